"""Explanations of a run's kept models against H2O's own calls for the same data, all in its cluster; and one case.

On 10,000 training rows of the insurance data (a seeded sample, so that training takes a minute): explanations draw no
more than that from larger data. H2O has one call a row for single rows; `bare_without_rows_s` leaves these out.
"""

import json
import time
from typing import Any

import h2o
import pandas as pd

from bench.common import connect_h2o, data_folder, median_s, report, scratch_services, train
from core.domain.models import ModelInfo
from core.explain import asked
from core.explain.case.rows import read_row
from core.explain.computed import grids, varied
from core.explain.computed.shapley import SHAP_FEATURES
from core.explain.sample import SEED, Sample, SentFrames, draw_sample
from core.explanations.items import Explanations
from core.models.opened import StoredModel
from core.services import Services

OPTIONS = {"max_models": 5, "nfolds": 3, "seed": 1, "holdout_share": 0.2}
ALGORITHMS = ("GLM", "GBM", "XGBoost", "StackedEnsemble")
ALLOWED_S = 0.5
N_ROWS = 12_500  # 10,000 of them to train on, the others held out


def main() -> None:
    """Train once, explain the kept models through the library and by bare calls, then ask about one case."""
    with scratch_services() as services:
        services.engine.ensure_ready()
        services.store.maintain()
        path = services.settings.work_dir / "insurance_10000.csv"
        whole = pd.read_csv(data_folder() / "insurance_cross_sell.csv.gz", dtype=str)
        whole.sample(N_ROWS, random_state=1).to_csv(path, index=False)
        run = train(services, path, "Response", ignored=("id",), include_algos=ALGORITHMS, **OPTIONS)
        services.jobs.stop()
        services.jobs.join()
        models = [model for model in services.store.models(run_id=run.run_id) if model.has_files]
        begun = time.monotonic()
        found = {m.id: services.explainer.compute(m) for m in models}
        services.explainer.compare(run.run_id)
        ours_s = time.monotonic() - begun
        connect_h2o(json.loads((services.settings.mlruns_dir / "server.json").read_text()))
        begun = time.monotonic()
        rows_s = sum(_bare(services, model, found[model.id]) for model in models)
        bare_s = time.monotonic() - begun
        report(
            bench="explain_over_bare",
            models=[model.algo for model in models],
            ours_s=ours_s,
            bare_s=bare_s,
            bare_without_rows_s=bare_s - rows_s,
            ratio=ours_s / bare_s,
            ok=ours_s <= bare_s,
            steps={model.model_key: found[model.id].seconds for model in models},
        )
        loaded_s = median_s(lambda: StoredModel(services.store, models[0]).explanations)
        report(bench="explain_load", seconds=loaded_s, allowed=0.2, ok=loaded_s <= 0.2)
        for model in {model.algo: model for model in models}.values():
            _case(services, model)


def _bare(services: Services, model: ModelInfo, found: Explanations) -> float:
    """Call H2O for the data that `found` holds; return the seconds for single rows."""
    rows_s = 0.0
    engine, stored = services.engine, StoredModel(services.store, model)
    spec = stored.spec
    key = engine.models.load_native(*stored.native())
    members = engine.models.details(key).base_models
    native = h2o.get_model(key)
    sample = draw_sample(services.datasets, spec, stored.held_out_rows)
    frames = SentFrames(engine, services.settings, spec)
    try:
        whole = h2o.get_frame(frames.send(sample))
        if native.varimp() is None:
            native.permutation_importance(whole, n_samples=-1, seed=SEED, use_pandas=False)
        _bare_contributions(native, model, sample, frames)
        features = [one.feature for one in found.partial_dependence.data or ()]
        rows = h2o.get_frame(
            frames.send(
                sample.without_tails(features, varied.TAIL_SHARE, varied.DEPENDENCE_POINTS).head(varied.DEPENDENCE_ROWS)
            )
        )
        for one in found.partial_dependence.data or ():
            options: dict[str, Any] = {"nbins": max(varied.DEPENDENCE_POINTS, len(one.values) + 1), "plot": False}
            native.partial_plot(rows, [one.feature], **options)
            begun = time.monotonic()
            for row in range(len(grids.PERCENTILES)):
                native.partial_plot(rows, [one.feature], row_index=row, **options)
            rows_s += time.monotonic() - begun
        few = h2o.get_frame(frames.send(sample.head(grids.PAIR_ROWS)))
        for pair in found.pairs.data or ():
            bins = {"nbins": max(len(pair.first_values), len(pair.second_values), grids.PAIR_POINTS)}
            native.partial_plot(few, col_pairs_2dpdp=[[pair.first, pair.second]], plot=False, **_bins(pair, bins))
    finally:
        frames.close()
        engine.delete([key, *members])
    return rows_s


def _bins(pair: Any, bins: dict[str, int]) -> dict[str, Any]:
    """Return the grid of the pair: its own numbers, all levels of a category (H2O wants room for them)."""
    splits = {
        name: [float(value) for value in values]
        for name, kind, values in (
            (pair.first, pair.first_kind, pair.first_values),
            (pair.second, pair.second_kind, pair.second_values),
        )
        if kind != "category"
    }
    return {**bins, **({"user_splits": splits} if splits else {})}


def _bare_contributions(native: Any, model: ModelInfo, sample: Sample, frames: SentFrames) -> None:
    of_trees = model.algo in asked.TREES
    rows = sample.head(asked.SHAP_ROWS if of_trees else asked.BACKGROUND_SHAP_ROWS)
    options: dict[str, Any] = {"output_format": "compact"}
    if not of_trees:
        options["background_frame"] = h2o.get_frame(frames.send(sample.tail(asked.BACKGROUND_ROWS)))
    frame = h2o.get_frame(frames.send(rows))
    native.predict_contributions(frame, **options).as_data_frame()
    native.predict(frame).as_data_frame()


def _case(services: Services, model: ModelInfo) -> None:
    case = services.explainer.open_case(model)
    values, _ = read_row(services.datasets, case.spec, case.picks[0].number)
    answer_s = median_s(lambda: case.ask(values, why=not case.needs_engine), times=9)
    why_s = median_s(lambda: case.ask(values))
    similar_s = median_s(lambda: case.similar(values))
    report(
        bench="explain_case",
        algo=model.algo,
        answer_s=answer_s,
        allowed=ALLOWED_S,
        ok=answer_s <= ALLOWED_S,
        with_reasons_s=why_s,
        similar_s=similar_s,
        features=min(SHAP_FEATURES, len(case.spec.features.names)),
    )


if __name__ == "__main__":
    main()
