"""Quality on the raw insurance file: cross-validated AUC and log loss against the article's leaderboard."""

from bench.common import data_folder, report, scratch_services, train

ARTICLE = {"cv_auc": 0.857, "cv_logloss": 0.268}


def main() -> None:
    """Train six models on three folds, without DeepLearning and DRF, on the raw columns."""
    with scratch_services() as services:
        run = train(
            services,
            data_folder() / "insurance_cross_sell.csv.gz",
            "Response",
            ignored=("id",),
            max_models=6,
            nfolds=3,
            exclude_algos=("DeepLearning", "DRF"),
        )
        leader = services.store.resolve(f"models:/{run.leader_id}")
        report(
            bench="quality",
            leader=leader.model_key,
            cv_auc=leader.metrics["cv_auc"],
            cv_logloss=leader.metrics["cv_logloss"],
            wanted=ARTICLE,
            ok=leader.metrics["cv_auc"] >= ARTICLE["cv_auc"] and leader.metrics["cv_logloss"] <= ARTICLE["cv_logloss"],
        )


if __name__ == "__main__":
    main()
