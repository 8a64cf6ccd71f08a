"""An upload on its way to a file: the bytes that Streamlit holds are not copied."""

import hashlib
import tracemalloc

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.typing import UploadedFile

from app.ui.data.uploads import spill
from core.files import make_folder
from core.settings import Settings

N_BYTES = 20_000_000


@pytest.mark.parametrize("read_before", [False, True])
def test_no_second_copy_is_made(settings: Settings, *, read_before: bool) -> None:
    row = b"1,2,3\n"
    content = b"a,b,c\n" + row * (N_BYTES // len(row))
    uploaded = UploadedFile(UploadedFileRec("1", "big.csv", "text/csv", content), FileURLs())
    if read_before:
        uploaded.read(10)
    make_folder(settings.work_dir)
    tracemalloc.start()
    upload = spill(uploaded, settings)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < N_BYTES // 10
    assert upload.path.read_bytes() == content
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert not uploaded.getvalue()
