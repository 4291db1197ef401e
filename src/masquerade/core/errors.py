"""Every error that masquerade raises on purpose.

    MasqueradeError
    ├── SettingsError (ValueError)             exit 2   a setting or an argument is wrong
    ├── InputError (ValueError)                exit 3   the input cannot be used
    │   ├── MissingInputError (FileNotFoundError)
    │   ├── UnsupportedMediaError
    │   ├── CorruptMediaError
    │   ├── MediaLimitError
    │   ├── DeviceError                                  a camera, microphone or screen
    │   └── AddressError (ConnectionError)               a stream that cannot be received
    ├── FaceError (ValueError)
    │   ├── NoFaceInDonorError                 exit 4   the donor photo shows no face
    │   └── NoFaceInTargetError                exit 5   the target shows no face
    ├── OutputError (OSError)                  exit 6   the output cannot be written
    │   ├── OutputExistsError (FileExistsError)
    │   ├── EncoderError
    │   ├── SigningError                                 it cannot be given its credentials
    │   ├── VirtualCameraError                           there is none, or it is in use
    │   └── StreamError (ConnectionError)                a stream that cannot be sent
    ├── ConsentError (PermissionError)         exit 7   nobody said whose face it is
    │   ├── GuardianError                                nobody answers for a child's face
    │   ├── LockedFaceError                              a face that its owner has locked
    │   └── LicenceError                                 a model's licence was not accepted
    ├── RuntimeSetupError (RuntimeError)       exit 8   the installation is broken
    │   ├── ModelError                                   a network is missing, damaged or failed
    │   │   └── DownloadError (ConnectionError)          a model cannot be fetched
    │   ├── ProviderError                                an execution provider is not active
    │   └── MemoryBudgetError (MemoryError)              it does not fit, however it is lowered
    ├── ContentError (PermissionError)         exit 11  the content check refuses the target
    ├── JobError                               exit 10  not possible with a job as it stands
    │   └── MissingJobError (LookupError)                there is no such job
    └── CancelledError                         exit 130 stopped by the user

Each message is one sentence on what is wrong and one on what to do. Errors of the libraries
below (PyAV, OpenCV, ONNX Runtime) never leave the package unmapped.
"""

from __future__ import annotations

__all__ = [
    "AddressError",
    "CancelledError",
    "ConsentError",
    "ContentError",
    "CorruptMediaError",
    "DeviceError",
    "DownloadError",
    "EncoderError",
    "FaceError",
    "GuardianError",
    "InputError",
    "JobError",
    "LicenceError",
    "LockedFaceError",
    "MasqueradeError",
    "MediaLimitError",
    "MemoryBudgetError",
    "MissingInputError",
    "MissingJobError",
    "ModelError",
    "NoFaceInDonorError",
    "NoFaceInTargetError",
    "OutputError",
    "OutputExistsError",
    "ProviderError",
    "RuntimeSetupError",
    "SettingsError",
    "SigningError",
    "StreamError",
    "UnsupportedMediaError",
    "VirtualCameraError",
]


class MasqueradeError(Exception):
    """Root of the tree. ``exit_code`` is what the command line returns."""

    exit_code = 1


class SettingsError(MasqueradeError, ValueError):
    """A setting or an argument is wrong."""

    exit_code = 2


class InputError(MasqueradeError, ValueError):
    """The input cannot be used."""

    exit_code = 3


class MissingInputError(InputError, FileNotFoundError):
    """There is no such file."""


class UnsupportedMediaError(InputError):
    """The file is of a kind that is not handled (text, audio only, a playlist)."""


class CorruptMediaError(InputError):
    """The file is damaged: truncated, empty, or not what its name says."""


class MediaLimitError(InputError):
    """The file exceeds a limit (pixels, duration) that can be raised."""


class DeviceError(InputError):
    """A camera, a microphone or a screen is missing, busy, refused, or gone."""


class AddressError(InputError, ConnectionError):
    """A stream's address is not allowed, cannot be reached, or sends nothing that is known."""


class FaceError(MasqueradeError, ValueError):
    """A face that is needed was not found."""

    exit_code = 4


class NoFaceInDonorError(FaceError):
    """No usable face in the donor photo."""

    exit_code = 4


class NoFaceInTargetError(FaceError):
    """No face anywhere in the target."""

    exit_code = 5


class OutputError(MasqueradeError, OSError):
    """The output cannot be written."""

    exit_code = 6


class OutputExistsError(OutputError, FileExistsError):
    """The output exists already and overwriting was not asked for."""


class EncoderError(OutputError):
    """An encoder is unknown, not available here, or failed."""


class SigningError(OutputError):
    """An output cannot be signed, so it is not written; or the signing identity cannot be used."""


class VirtualCameraError(OutputError):
    """There is no virtual camera here, or another program holds it."""


class StreamError(OutputError, ConnectionError):
    """A stream cannot be sent: its address is not allowed, nobody listens, or the peer left."""


class ConsentError(MasqueradeError, PermissionError):
    """Nobody has said whose face the donor's is."""

    exit_code = 7


class GuardianError(ConsentError):
    """A face looks under 18, and nobody has said that a guardian agrees or that it is of age."""


class LockedFaceError(ConsentError):
    """Somebody has locked this face on this installation."""


class LicenceError(ConsentError):
    """A model's licence has not been accepted on this installation."""


class RuntimeSetupError(MasqueradeError, RuntimeError):
    """The installation is broken: a package is missing or two exclude each other."""

    exit_code = 8


class ModelError(RuntimeSetupError):
    """A network is missing, damaged, or failed while running."""


class DownloadError(ModelError, ConnectionError):
    """A model cannot be fetched: no network, no mirror has it, or its hash is wrong."""


class ProviderError(RuntimeSetupError):
    """An execution provider that was asked for is unknown, not installed, or not active."""


class MemoryBudgetError(RuntimeSetupError, MemoryError):
    """Networks do not fit into the memory that was granted, however they are lowered."""


class ContentError(MasqueradeError, PermissionError):
    """The content check finds that the target is likely to be sexual."""

    exit_code = 11


class JobError(MasqueradeError):
    """What was asked cannot be done with a job as it stands."""

    exit_code = 10


class MissingJobError(JobError, LookupError):
    """There is no such job."""


class CancelledError(MasqueradeError):
    """The user stopped the work; nothing was written."""

    exit_code = 130
