"""Which words of a header may stay when it is de-identified: terms of the standard and the trade, never free text."""

from __future__ import annotations

import re
from collections.abc import Collection


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Defined terms of the CT image objects (DICOM PS3.3) and terms that scanners write in the same places.
TERMS = _listed(
    """
    ORIGINAL DERIVED PRIMARY SECONDARY MIXED AXIAL LOCALIZER CT_SOM5 CT_SOM7 CT_SOM8 SPI SPO HELIX HELICAL
    SPIRAL STD SEQ SEQUENCE VOLUME NORMAL REFORMATTED AVERAGE MPR MIP MAX MIN_IP PROJECTION SNRG TOP DOSE_INFO
    SUBTRACTION COMPOSED ADDITION NONE RESAMPLED MULTIPLANAR CSA CSAPARALLEL CURVED SPIN THICK HELICAL_CT
    NORMAL_CT VOLUMETRIC STATIONARY STEPPED CONSTANT_ANGLE FREE SCANOGRAM S_VOL N_VOL TWIN_SPIRAL FLASH_SPIRAL
    CT CW CC HFS HFP FFS FFP HFDR HFDL FFDR FFDL MONOCHROME1 MONOCHROME2 YES NO HU HU_MOD US 00 01 ISO_10918_1
    ISO_14495_1 ISO_15444_1 ISO_13818_2 COLOR MONOCHROME SAMPLED DISTORTED PRODUCT RESEARCH SERVICE IDENTITY
    INVERSE 3D 3D_TEMPORAL TILED_FULL TILED_SPARSE FILTER_BACK_PROJ ITERATIVE SPINE CSPINE TSPINE LSPINE SSPINE
    CTSPINE TLSPINE LSSPINE COCCYX SACRUM HEAD NECK CHEST THORAX ABDOMEN PELVIS HIP SHOULDER KNEE ANKLE FOOT
    HAND WRIST ELBOW LEG ARM SKULL BRAIN EXTREMITY WHOLEBODY ABDOMENPELVIS CHESTABDOMEN CHESTABDPELVIS LUNG
    LIVER KIDNEY BODY IODINE GADOLINIUM BARIUM XENON
    """
) | {"SCREEN SAVE", "PROJECTION IMAGE", "AXIAL MODE", "HELICAL MODE", "SCOUT MODE", "CINE MODE"}

# Words that may stay in a description, without accents since no character set is kept; a number only where it is a
# thickness in mm.
WORDS = _listed(
    """
    ct spine spinal column vertebra vertebrae cervical thoracic lumbar sacral sacrum lumbosacral thoracolumbar
    hws bws lws kreuzbein colonne rachis cervicale dorsale lombaire columna dorsal sacra chest thorax abdomen
    abdominal pelvis becken hals neck head kopf body lower upper whole axial ax tra transversal coronal cor kor
    sagittal sag oblique mpr recon reformat volume bone knochen os hueso soft tissue weichteil weichteile
    parties molles sharp smooth standard std thin thick slice contrast native nativ with without mit ohne
    kontrast km iv arterial arteriell venous portal low dose helical spiral sequence scout topogram localizer
    localiser surview scanogram biopsy biopsie ablation cryoablation vertebroplasty intervention planning
    guidance control follow up c1 c2 c3 c4 c5 c6 c7 t1 t2 t3 t4 t5 t6 t7 t8 t9 t10 t11 t12 th1 th2 th3 th4 th5
    th6 th7 th8 th9 th10 th11 th12 iodine intravenous oral rectal intrathecal omnipaque accupaque iohexol
    visipaque iodixanol ultravist iopromide iopromid isovue solutrast iopamiro iopamidol imeron iomeron iomeprol xenetix
    iobitridol optiray optiject ioversol oxilan ioxilan gastrografin telebrix
    d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11 d12 l1 l2 l3 l4 l5 s1 s2
    """
)
_SPLIT = re.compile(r"[\s_/\\,;:()\[\]{}+^=-]+")
_MILLIMETRES = re.compile(r"(?<![\w.,])\d{1,2}(\.\d{1,2})?\s*mm\b", re.IGNORECASE)

# Siemens (B60f, Br59d, I70f 3), GE (BONEPLUS), Toshiba and Canon (FC30), Philips and others (one or two letters).
_KERNELS = re.compile(
    r"[A-Z][a-z]?\d{2}[a-z]{0,2}(\\\d)?|\d|FC\d{2,3}|[A-DEFL]|Y[A-EL]|EC|SOFT|STANDARD|DETAIL|BONE|BONEPLUS|"
    r"ULTRA|MEDIUM|EDGE|LUNG|CHST|SHARP|SMOOTH|HD BONE|BONE\+",
)
_VENDORS = {
    "SIEMENS": "SIEMENS", "GE": "GE MEDICAL SYSTEMS", "PHILIPS": "PHILIPS", "TOSHIBA": "TOSHIBA", "CANON": "CANON",
    "HITACHI": "HITACHI", "FUJIFILM": "FUJIFILM", "NEUSOFT": "NEUSOFT", "UIH": "UIH", "SHIMADZU": "SHIMADZU",
}  # fmt: skip


def is_term(value: str) -> bool:
    """Return whether a coded value is a term that may stay."""
    return value in TERMS


def is_kernel(value: str) -> bool:
    """Return whether a value is written as vendors name reconstruction kernels."""
    return bool(_KERNELS.fullmatch(value))


def vendor(value: str) -> str:
    """Return the bare name of the vendor in a manufacturer's text; empty when none is known."""
    return next((_VENDORS[word] for word in _SPLIT.split(value.upper()) if word in _VENDORS), "")


def cleaned(text: str, banned: Collection[str] = ()) -> str:
    """Return the words of a description that may stay, in their order.

    Parameters
    ----------
    banned
        Words, in small letters, that may not stay even where the list has them: the patient's own name may be one.
    """
    marked = _MILLIMETRES.sub(lambda found: f" {found.group().replace(' ', '').lower()} ", text)
    stay = [word for word in _SPLIT.split(marked) if _stays(word) and word.lower() not in banned]
    return " ".join(stay)[:64].strip()


def _stays(word: str) -> bool:
    return word.lower() in WORDS or bool(_MILLIMETRES.fullmatch(word))


def words_of(text: str) -> set[str]:
    """Return the words of an identifying text, in small letters."""
    return {word.lower() for word in _SPLIT.split(text) if word}
