"""CT series full of secrets, and a search for what is left of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
from pydicom import config, datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

Writer = Callable[..., list[Path]]

NAME, WORD, CODE = "Zyxwvutsky", "Qwertzheim", "QQSECRET7"
ACCENTED, JAPANESE, RUSSIAN = "Ångströmössön", "山田太郎", "Щербаков"
DAY, BORN, MOMENT, AGE, LINK = "20260317", "19410926", "20260317101112.5", "097Y", "http://qwertzheim.example/9"
OWN_UID = "1.2.40.0.13.998877665544332211"
SECRETS = (NAME, WORD, CODE, ACCENTED, JAPANESE, RUSSIAN, DAY, BORN, "101112", AGE, "qwertzheim.example", OWN_UID,
           "1.2.3.4.1", "Hidden preamble", "Hidden tail", "Hidden pixels")  # fmt: skip
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso2022_jp", "shift_jis", "euc_jp", "iso8859_5", "gb18030")
VALUES = {"LO": WORD, "SH": WORD, "ST": WORD, "LT": WORD, "UT": WORD, "UC": WORD, "PN": f"{NAME}^Xaver", "AE": CODE,
          "CS": CODE, "AS": AGE, "DA": DAY, "DT": MOMENT, "TM": "101112", "UR": LINK, "UI": OWN_UID}  # fmt: skip
# Without these a file is no CT slice; they hold numbers and terms of the standard.
STRUCTURE = {"SpecificCharacterSet", "ImageType", "Modality", "PhotometricInterpretation", "SOPClassUID", "RescaleType",
             "SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID",
             "BurnedInAnnotation"}  # fmt: skip


def put(ds: Dataset, tag: int, vr: str, value: object) -> None:
    ds.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))


def filled(ds: Dataset, n: int = 0) -> None:
    """Fill a header with secrets: every text of the dictionary, sequences, private groups, overlays and what not."""
    for tag, (vr, *_) in datadict.DicomDictionary.items():
        keyword = datadict.keyword_for_tag(tag)
        if tag >> 16 in (0x0000, 0x0002, 0x0004) or vr not in VALUES or keyword in STRUCTURE or tag in ds:
            continue
        put(ds, tag, vr, VALUES[vr])
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = f"{NAME}^{ACCENTED}^{RUSSIAN}={JAPANESE}", CODE, BORN
    ds.SeriesDescription = f"{NAME} lumbar spine {WORD} 1.0 mm bone {DAY}"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", CODE]
    put(ds, 0x00181210, "SH", f"B60{WORD}")
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, f"{ds.SeriesInstanceUID}.{n + 1}"
    deeper = Dataset()
    put(deeper, 0x00100010, "PN", NAME)
    put(deeper, 0x00080104, "LO", WORD)
    item.PurposeOfReferenceCodeSequence = Sequence([deeper])
    ds.ReferencedImageSequence = Sequence([item])
    asked = Dataset()
    put(asked, 0x00321060, "LO", WORD)
    asked.ReferencedImageSequence = Sequence([item])
    ds.RequestAttributesSequence = Sequence([asked])
    block = ds.private_block(0x0029, f"{WORD} HEADER", create=True)
    block.add_new(0x10, "LO", NAME)
    block.add_new(0x11, "OB", NAME.encode() + b"\0" * (len(NAME) % 2))
    block.add_new(0x12, "SQ", Sequence([deeper]))
    put(ds, 0x60000010, "US", 4)
    put(ds, 0x60000011, "US", 4)
    put(ds, 0x60003000, "OW", WORD.encode())
    put(ds, 0x60000022, "LO", WORD)
    put(ds, 0x50000005, "US", 1)
    put(ds, 0x50003000, "OB", WORD.encode())
    icon = Dataset()
    icon.Rows = icon.Columns = 4
    icon.BitsAllocated, icon.SamplesPerPixel, icon.PixelRepresentation = 8, 1, 0
    icon.PixelData = WORD.encode() + b"\0" * 6
    ds.IconImageSequence = Sequence([icon])
    put(ds, 0xFFFCFFFC, "OB", b"Hidden tail ")
    ds.PixelData += b"Hidden pixels "
    ds.file_meta.SourceApplicationEntityTitle = CODE
    ds.file_meta.PrivateInformationCreatorUID = OWN_UID
    ds.file_meta.PrivateInformation = WORD.encode()


def hostile(folder: Path, write: Writer) -> Path:
    """Return a folder with a series full of secrets, in its bytes and in its names."""
    files = write(folder / f"{NAME}_{CODE}", places=range(6), edit=filled)
    for n, path in enumerate(files):
        data = path.read_bytes()
        path.write_bytes(b"Hidden preamble".ljust(128, b"!") + data[128:] + b"Hidden tail")
        path.rename(path.with_name(f"{WORD}-{n}.dcm"))
    return folder


def spellings(secret: str) -> set[bytes]:
    """Return the bytes of a text in every encoding that has its letters."""
    texts = {secret, secret.lower(), secret.upper()}
    made = set()
    for text in texts:
        for name in ENCODINGS:
            made.add(text.encode(name, "ignore"))
    return {one for one in made if len(one) >= 4}


def found_in(folder: Path) -> set[str]:
    """Return which secrets stand in the bytes or the names of a folder's files."""
    paths = list(folder.rglob("*"))
    names = "\n".join(path.relative_to(folder).as_posix() for path in paths).encode("utf-8")
    blob = b"\n".join([names, *(path.read_bytes() for path in paths if path.is_file())])
    return {secret for secret in SECRETS if any(one in blob for one in spellings(secret))}


def datasets(folder: Path) -> Iterator[Dataset]:
    for path in sorted(folder.rglob("*.dcm")):
        yield pydicom.dcmread(path)
