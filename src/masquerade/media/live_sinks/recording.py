"""A live stream as a file, with its sound."""

from __future__ import annotations

import contextlib
import errno
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from masquerade.core.errors import OutputError
from masquerade.core.lifetimes import Committing
from masquerade.media.containers import VIDEO_EXTENSIONS, writing
from masquerade.media.image_write import unknown_extension
from masquerade.media.live_sinks.canvas import Canvas
from masquerade.media.live_sinks.encoding import file_coding
from masquerade.media.live_sinks.programme import Programme, time_of
from masquerade.media.live_sinks.spool import Spool
from masquerade.media.output_file import OutputFile, output_error
from masquerade.media.xmp_box import xmp_box

if TYPE_CHECKING:
    from fractions import Fraction

    from av.container import OutputContainer

    from masquerade.core.frame import Frame
    from masquerade.core.protocols import SourceInfo
    from masquerade.media.live_sinks.options import SinkOptions
    from masquerade.media.sound import SoundTap

__all__ = ["RECORDING_EXTENSIONS", "RecordingSink"]

RECORDING_EXTENSIONS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
"""What a recording's name may end with."""

_FRAGMENT_S = 1
# How long the sound may take to arrive: a file is in no hurry.
_PATIENCE_S = 2.0
_LAST_S = 1.0
_SLOWEST_BYTES_A_SECOND = 25e6


class RecordingSink(Committing):
    """Writes a live stream to a file that can be played at any moment.

    The file grows as a hidden one beside its place, ``.NAME-XXXXXXXX.part.EXTENSION``, in
    fragments of a second, and takes its name at the end; an MP4 or MOV is then given an ordinary
    index. If the program is killed, the hidden file can be played up to the last second. If the
    disk fills or the encoder fails, what is there takes the name at once and the error is
    raised.

    Times are the frames' own. 0 is the first frame, and the sound keeps its distance to it.

    Args:
        path: where to write; the extension chooses the container.
        info: gives size and rate.
        options: encoder, quality, sound, disclosure, overwrite, inputs.

    Raises:
        EncoderError: an unknown encoder, or one that does not work here.
        OutputExistsError: the file exists and overwriting was not asked for.
        OutputError: unknown extension, unwritable folder, the output is an input.
    """

    status = ""

    def __init__(self, path: str | Path, info: SourceInfo, options: SinkOptions) -> None:
        self.path = Path(path)
        container = VIDEO_EXTENSIONS.get(self.path.suffix.lower())
        if container is None:
            raise unknown_extension(self.path, RECORDING_EXTENSIONS)
        self._container = container
        self._options = options
        self._coding = file_coding(
            options.encoder,
            container,
            quality=options.quality,
            preset=options.preset,
            rate=options.frame_rate(info),
            bitrate=options.bitrate,
        )
        self._canvas = Canvas(info.size_wh)
        self._ended = self._leaving = False
        self._busy = threading.RLock()  # abort may come from another thread
        self._file = OutputFile(
            self.path,
            overwrite=options.overwrite,
            inputs=options.inputs,
            keep=True,
            disclosure=options.disclosure,
        )
        self._output: OutputContainer | None = None
        self._tap: SoundTap | None = None
        self._spool: Spool | None = None
        try:
            with self._writing():
                self._programme = self._open()
        except BaseException:
            self.abort()
            raise
        self._tap = options.sound.tap() if options.sound else None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told of the output."""
        return self._canvas.notices

    @property
    def partial_path(self) -> Path:
        """The hidden file that is being written; a killed program leaves it behind."""
        return self._file.temporary

    @property
    def finishing_s(self) -> float:
        """How long signing may take: the file is read and written once more."""
        try:
            return self._file.temporary.stat().st_size / _SLOWEST_BYTES_A_SECOND
        except OSError:
            return 0.0

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return writing(self.path, self._coding.encoder.name)

    def _open(self) -> Programme:
        container_options = {"flush_packets": "1"}
        if self._container in ("mp4", "mov"):
            # The last flag keeps the tags, the second the place of the sound in time.
            flags = "+hybrid_fragmented+delay_moov+frag_keyframe+use_metadata_tags"
            container_options |= {
                "movflags": flags,
                "frag_duration": str(_FRAGMENT_S * 1_000_000),
                "strict": "experimental",
            }
        else:
            container_options["cluster_time_limit"] = str(_FRAGMENT_S * 1000)
        self._spool = Spool(self._file.temporary)
        output = av.open(
            self._spool, "w", format=self._container, container_options=container_options
        )
        self._output = output
        if self._options.disclosure:
            output.metadata.update(self._options.disclosure.tags)
        sound = ("libopus" if self._container == "webm" else "aac") if self._options.sound else None
        programme = Programme(
            output,
            output,
            self._coding,
            self._canvas,
            sound_codec=sound,
            patience_s=_PATIENCE_S,
        )
        output.start_encoding()
        return programme

    def write(self, frame: Frame) -> None:
        """Encode one frame and the sound up to it.

        Raises:
            OutputError: the disk is full or the encoder failed; what is there has its name.
        """
        seconds = time_of(frame)
        with self._busy:
            if self._ended or self._leaving:
                raise OutputError(f"{self.path} is finished; nothing more can be written to it.")
            self._write(frame, seconds)

    def _write(self, frame: Frame, seconds: Fraction) -> None:
        try:
            with self._writing():
                sound = self._tap.take(float(seconds)) if self._tap else ()
                self._programme.write(self._canvas.draw(frame.pixels), seconds, sound)
            self._check()
        except OutputError as error:
            raise self._break_off(error) from error
        except BaseException:
            self._finish_quietly()
            raise

    def _check(self) -> None:
        assert self._spool is not None
        self._spool.mark()
        if self._spool.fault is not None:
            raise output_error(self._spool.fault, self.path) from self._spool.fault

    def _break_off(self, error: OutputError) -> OutputError:
        """Keep what is there; the error to raise, which says where it is."""
        fault = self._spool.fault if self._spool else None
        kept = self._finish_quietly()
        if kept is None:
            return error
        if fault is None:
            what = f"The encoder {self._coding.encoder.name} failed"
        elif fault.errno in (errno.ENOSPC, errno.EDQUOT):
            what = "The disk is full"
        else:
            what = f"The disk takes no more ({fault.strerror or fault})"
        return type(error)(f"{what}, so the recording has ended; {kept} holds it until then.")

    def _finish_quietly(self) -> Path | None:
        """End the file as it is and give it its name; the name that it has, None if empty."""
        if self._ended:
            return None
        self._ended = True
        with contextlib.suppress(OutputError), self._writing():
            self._close()
        self._release()
        if not self._programme.frames or self._is_empty():
            self._file.abort()
            return None
        try:
            self._file.commit()
        except OutputError:
            return self._file.temporary
        return self.path

    def _is_empty(self) -> bool:
        try:
            return self._file.temporary.stat().st_size == 0
        except OSError:
            return True  # somebody removed it

    def _close(self) -> None:
        """The rest of picture and sound, and the index."""
        assert self._spool is not None
        assert self._output is not None
        self._programme.finish(self._tap.take(float("inf")) if self._tap else ())
        self._output.close()
        self._spool.mark()
        disclosure = self._options.disclosure
        if disclosure and self._container in ("mp4", "mov"):
            self._spool.append(xmp_box(disclosure.xmp))

    def _release(self) -> None:
        if self._output is not None:
            with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
                self._output.close()
            self._output = None
        if self._spool is not None:
            self._spool.close()
        if self._tap is not None:
            self._tap.close()

    def commit(self) -> None:
        """Finish the file and put it in its place; does nothing after an error ended it.

        Raises:
            OutputError: no frame was written, the disk is full, the name was taken meanwhile.
        """
        self._leaving = True
        with self._busy:
            if not self._ended:
                self._commit()

    def _commit(self) -> None:
        if not self._programme.frames:
            self.abort()
            raise OutputError(f"No frame was written to {self.path}; the input was empty.")
        try:
            with self._writing():
                self._close()
            self._check()
        except OutputError as error:
            raise self._break_off(error) from error
        self._ended = True
        self._release()
        self._file.commit()

    def abort(self) -> None:
        """End the recording. What was recorded is kept under its name; without a frame nothing is.

        An hour of a stream must not vanish because a camera was unplugged at its end.
        """
        self._leaving = True
        if not self._busy.acquire(timeout=_LAST_S):
            return  # a write hangs in the system; the hidden file is all that there will be
        try:
            self._abort()
        finally:
            self._busy.release()

    def _abort(self) -> None:
        if hasattr(self, "_programme") and self._programme.frames:
            self._finish_quietly()
            return
        self._ended = True
        with contextlib.suppress(OSError):
            self._file.temporary.unlink()
        self._release()
        self._file.abort()
