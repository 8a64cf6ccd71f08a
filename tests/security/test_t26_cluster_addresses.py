"""T26: a cluster reads and writes only under the prefixes that were set; our own engine nowhere."""

from pathlib import Path

import pytest

from core.engine.h2o import H2OEngine
from core.engine.rest.addresses import allowed_prefixes, check_address, found_at
from core.errors import DataError, SettingsError
from core.settings import Settings

PREFIXES = "/mnt/lake, s3://bucket/in/, hdfs://name-node:8020/data, gs://team"
ALLOWED = (
    "/mnt/lake/sales.csv",
    "/mnt/lake/2026/11/",
    "/mnt/lake",
    "s3://bucket/in/part-0001.parquet",
    "hdfs://name-node:8020/data/sales",
    "gs://team/sales 2026.csv",
)
REFUSED = (
    "/etc/passwd",
    "/mnt/lakes/sales.csv",
    "/mnt/lake/../../etc/passwd",
    "/mnt/lake/..",
    "/mnt/lake/./sales.csv",
    "/mnt/lake//sales.csv",
    "/mnt/lake/%2e%2e/secret",
    "/mnt/lake/%2E%2E%2Fsecret",
    "/mnt/lake/..%c0%afsecret",
    "/mnt/lake/a\\..\\secret",
    "/mnt/lake/a\x00.csv",
    "/mnt/lake/a\n.csv",
    "/mnt/lake/*.csv",
    "/mnt/lake/a.csv,/etc/passwd",
    "/mnt/lake/[a].csv",
    "/mnt/lake/a.csv?x=1",
    "/mnt/lake/a.csv#x",
    "/mnt/lake/ ../x",
    " /mnt/lake/sales.csv",
    "mnt/lake/sales.csv",
    "~/sales.csv",
    "",
    "file:///mnt/lake/sales.csv",
    "file:/mnt/lake/sales.csv",
    "nfs://mnt/lake/sales.csv",
    "http://169.254.169.254/latest/meta-data",
    "https://bucket/in/x.csv",
    "jdbc:mysql://host/db",
    "s3://bucket/other.csv",
    "s3://bucket/in/../other.csv",
    "s3://bucket/input.csv",
    "s3://user@bucket/in/x.csv",
    "s3a://bucket/in/x.csv",
    "S3://bucket/in/x.csv",
    "hdfs://other:8020/data/sales",
    "hdfs://name-node:8020@evil/data/sales",
    "gs://team-of-others/x.csv",
    "gs:///team/x.csv",
)


def settings(tmp_path: Path, prefixes: str = PREFIXES, url: str = "http://127.0.0.1:9") -> Settings:
    return Settings(home=tmp_path, h2o_url=url, import_prefixes=prefixes)


@pytest.mark.parametrize("address", ALLOWED)
def test_what_lies_under_a_prefix_is_allowed(tmp_path: Path, address: str) -> None:
    assert check_address(address, settings(tmp_path)) == address


@pytest.mark.parametrize("address", REFUSED)
def test_all_else_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(DataError) as caught:
        check_address(address, settings(tmp_path))
    assert caught.value.code == "cluster.address"


def test_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    lake, outside = tmp_path / "lake", tmp_path / "outside"
    for folder in (lake / "day", outside):
        folder.mkdir(parents=True)
    (outside / "secret.csv").write_text("a\n1\n")
    (lake / "day" / "own.csv").write_text("a\n1\n")
    limits = settings(tmp_path, str(lake))
    assert check_address(str(lake / "day"), limits)
    (lake / "link.csv").symlink_to(outside / "secret.csv")
    (lake / "folder").symlink_to(outside)
    for address in ("link.csv", "folder/secret.csv", "folder/new.csv", "folder", ""):
        with pytest.raises(DataError) as caught:
            check_address(f"{lake}/{address}".rstrip("/"), limits)
        assert caught.value.code == "cluster.address"
    (lake / "day" / "inner.csv").symlink_to(lake / "day" / "own.csv")  # stays inside
    assert check_address(str(lake / "day"), limits)
    (lake / "day" / "later.csv").symlink_to(outside / "secret.csv")
    with pytest.raises(DataError):
        check_address(str(lake / "day"), limits)


@pytest.mark.parametrize("prefixes", ["/", "data", "http://host/x", "s3://", "/a/../b", "/a,*", "/mnt/%2e"])
def test_prefixes_that_would_open_too_much_are_refused(tmp_path: Path, prefixes: str) -> None:
    with pytest.raises(SettingsError, match="BELLWETHER_IMPORT_PREFIXES"):
        allowed_prefixes(settings(tmp_path, prefixes))


@pytest.mark.parametrize("changes", [{"prefixes": ""}, {"url": ""}])
def test_off_unless_both_are_set(tmp_path: Path, changes: dict[str, str]) -> None:
    limits = settings(tmp_path, **changes)
    assert allowed_prefixes(limits) == ()
    with pytest.raises(DataError) as caught:
        check_address("/mnt/lake/sales.csv", limits)
    assert caught.value.code == "cluster.import_off"
    # The engine asks by itself, whoever calls it, and before it is started.
    engine = H2OEngine(limits)
    for ask in (
        lambda: engine.imports.read("/mnt/lake/sales.csv"),
        lambda: engine.imports.export("frame", "/mnt/lake/out.csv"),
    ):
        with pytest.raises(DataError) as caught:
            ask()
        assert caught.value.code == "cluster.import_off"
    assert engine.status().state == "stopped"


@pytest.mark.parametrize("address", ["s3://bucket/in/x.parquet", "hdfs://name-node:8020/data/x.parquet", "/mnt/lake/x"])
def test_no_result_is_written_where_h2o_would_write_another_place(tmp_path: Path, address: str) -> None:
    engine = H2OEngine(settings(tmp_path))
    with pytest.raises(DataError) as caught:
        engine.imports.export("frame", address)
    assert caught.value.code == "cluster.format"
    assert engine.status().state == "stopped"


def test_what_a_listing_finds_beyond_the_address_is_left_out() -> None:
    names = ["s3://b/in/day.csv", "s3://b/in/day.csv.old", "s3://b/in/days/1.csv", "s3://b/in/days/2.csv"]
    assert found_at("s3://b/in/day.csv", names[:2]) == names[:1]
    assert found_at("s3://b/in/days/", names[2:]) == names[2:]
    assert found_at("s3://b/in", [*names, "s3://b/inner/secret.csv"]) == names
    assert found_at("gs://b/in/da", ["gs://b/in/day.csv"]) == []
    assert found_at("/mnt/lake", ["nfs://mnt/lake/a.csv"]) == ["nfs://mnt/lake/a.csv"]  # a folder, not a beginning
