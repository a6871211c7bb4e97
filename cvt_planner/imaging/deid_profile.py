"""Which attributes of a CT image outlive de-identification, and by which rule.

Two lists decide. The confidentiality profile of DICOM PS3.15, Annex E, as the tables of `dicom-anonymizer` give it,
names what must go or change. `kept` names what a CT needs to be read, placed and judged; what it does not name is
removed, so that an attribute nobody thought of never carries a name out. Where both name an attribute, the profile
decides, unless the rule here is one of `CHANGED`, which does what the profile asks for.
"""

from __future__ import annotations

from functools import cache

from dicomanonymizer.simpledicomanonymizer import initialize_actions_2024b  # type: ignore[import-untyped]
from pydicom.datadict import tag_for_keyword

NUMBER = "number"  # kept when it is a number and nothing else
TERM = "term"  # kept when it is one of the terms of `deid_words`
KERNEL = "kernel"  # kept when it is written as vendors name reconstruction kernels
VENDOR = "vendor"  # replaced by the bare name of the vendor
UID = "uid"  # replaced, the same by the same
CLASS_UID = "class uid"  # kept when DICOM itself defines it
MOMENT = "moment"  # date, time or both: removed, kept or shifted
TEXT = "text"  # words of a fixed list are kept
ITEMS = "items"  # a sequence whose items are treated by the same rules

CHANGED = frozenset({UID, MOMENT, TEXT, ITEMS})

_BY_RULE: dict[str, str] = {
    NUMBER: """
        InstanceNumber SeriesNumber AcquisitionNumber TemporalPositionIdentifier NumberOfTemporalPositions
        ImagesInAcquisition KVP DataCollectionDiameter ReconstructionDiameter DistanceSourceToDetector
        DistanceSourceToPatient GantryDetectorTilt TableHeight ExposureTime XRayTubeCurrent Exposure GeneratorPower
        FocalSpots SliceThickness SpacingBetweenSlices RevolutionTime SingleCollimationWidth TotalCollimationWidth
        TableSpeed TableFeedPerRotation SpiralPitchFactor DataCollectionCenterPatient
        ReconstructionTargetCenterPatient CTDIvol ImagePositionPatient ImageOrientationPatient SliceLocation
        SamplesPerPixel PlanarConfiguration NumberOfFrames Rows Columns PixelSpacing PixelAspectRatio BitsAllocated
        BitsStored HighBit PixelRepresentation SmallestImagePixelValue LargestImagePixelValue PixelPaddingValue
        PixelPaddingRangeLimit RescaleIntercept RescaleSlope WindowCenter WindowWidth LossyImageCompressionRatio
        ExposureTimeInms XRayTubeCurrentInmA ExposureInmAs ReconstructionFieldOfView ReconstructionPixelSpacing
        ReconstructionAngle ReferencedFrameNumber DimensionIndexPointer FunctionalGroupPointer DimensionIndexValues
        InStackPositionNumber TemporalPositionIndex FrameAcquisitionNumber InConcatenationNumber
        InConcatenationTotalNumber ConcatenationFrameOffsetNumber StackID ContrastBolusVolume ContrastBolusTotalDose
        ContrastFlowRate ContrastFlowDuration ContrastBolusIngredientConcentration
    """,
    TERM: """
        ImageType FrameType Modality PatientPosition BodyPartExamined ScanOptions RotationDirection
        ExposureModulationType PhotometricInterpretation LossyImageCompression LossyImageCompressionMethod
        BurnedInAnnotation RecognizableVisualFeatures PixelPresentation VolumetricProperties
        VolumeBasedCalculationTechnique ContentQualification RescaleType PresentationLUTShape
        DimensionOrganizationType AcquisitionType ReconstructionAlgorithm ContrastBolusIngredient
    """,
    KERNEL: "ConvolutionKernel",
    VENDOR: "Manufacturer",
    UID: """
        SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID SynchronizationFrameOfReferenceUID
        ReferencedSOPInstanceUID ConcatenationUID SOPInstanceUIDOfConcatenationSource DimensionOrganizationUID
        IrradiationEventUID
    """,
    CLASS_UID: "SOPClassUID ReferencedSOPClassUID",
    MOMENT: """
        StudyDate SeriesDate AcquisitionDate ContentDate StudyTime SeriesTime AcquisitionTime ContentTime
        AcquisitionDateTime FrameAcquisitionDateTime FrameReferenceDateTime
    """,
    TEXT: "StudyDescription SeriesDescription ContrastBolusAgent ContrastBolusRoute",
    ITEMS: """
        ReferencedImageSequence SourceImageSequence SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
        PixelMeasuresSequence PlanePositionSequence PlaneOrientationSequence PixelValueTransformationSequence
        FrameVOILUTSequence CTImageFrameTypeSequence FrameContentSequence DimensionOrganizationSequence
        DimensionIndexSequence CTReconstructionSequence CTAcquisitionTypeSequence CTExposureSequence
    """,
}

# Attributes that a CT image must have, even where nothing may stand in them.
EMPTIED = (
    "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDate", "StudyTime",
    "Manufacturer", "PositionReferenceIndicator",
)  # fmt: skip


@cache
def profile() -> dict[int, str]:
    """Return the profile's action of each attribute it names, by tag: "delete", "empty", "replace_UID" and so on.

    Source: DICOM PS3.15 2024b, table E.1-1, as read by `dicom-anonymizer`. The ranges of the table (curves, overlay
    comments and overlay data) are left out: `kept` holds nothing of them.
    """
    actions = initialize_actions_2024b()
    return {tag[0] << 16 | tag[1]: action.__name__ for tag, action in actions.items() if len(tag) == 2}


@cache
def kept() -> dict[int, str]:
    """Return the rule of each attribute that outlives de-identification, by tag."""
    named = {tag_for_keyword(word): rule for rule, words in _BY_RULE.items() for word in words.split()}
    return {tag: rule for tag, rule in named.items() if tag is not None and (rule in CHANGED or tag not in profile())}
