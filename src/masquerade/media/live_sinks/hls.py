"""A live stream as HLS: a playlist and the segments beside it."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from masquerade.core.errors import OutputError, OutputExistsError
from masquerade.core.lifetimes import Committing
from masquerade.media.containers import writing
from masquerade.media.live_sinks.canvas import Canvas
from masquerade.media.live_sinks.encoding import stream_coding
from masquerade.media.live_sinks.hls_file import HlsFile
from masquerade.media.live_sinks.programme import TITLE, Programme, time_of
from masquerade.media.output_file import output_error
from masquerade.media.sidecar_file import SidecarFile

if TYPE_CHECKING:
    from fractions import Fraction

    from av.container import OutputContainer

    from masquerade.core.frame import Frame
    from masquerade.core.protocols import SourceInfo
    from masquerade.media.live_sinks.options import SinkOptions
    from masquerade.media.sound import SoundTap

__all__ = ["HlsSink"]

_SEGMENT_S, _LIST_SIZE = 2, 6
_PATIENCE_S = 1.0
_LAST_S = 1.0
_PLACE = re.compile(r"%\d*[dt]")  # FFmpeg would put the segment's number there


class HlsSink(Committing):
    """Writes ``NAME.m3u8`` and ``NAME-00000.ts``, ``NAME-00001.ts``, ... beside it.

    The list holds the last six segments of two seconds, each of which can be played by itself;
    older ones are deleted. Any web server can serve the folder. The playlist is closed at the
    end, and the last segments stay, signed by a file beside the playlist. Files of other names are
    never touched.

    Args:
        path: the playlist; its folder is made if there is none.
        info: gives size and rate.
        options: encoder, quality, sound, overwrite, disclosure.

    Raises:
        EncoderError: an encoder that is unknown, does not work here, or is not H.264.
        OutputExistsError: a playlist or segments of that name exist and overwriting was not
            asked for.
        OutputError: the folder cannot be written, or the name is that of a folder.
    """

    status = ""

    def __init__(self, path: str | Path, info: SourceInfo, options: SinkOptions) -> None:
        self.path = Path(path)
        self._canvas = Canvas(info.size_wh)
        self._coding = stream_coding(
            options.encoder,
            self._canvas.size_wh,
            quality=options.quality,
            preset=options.preset,
            rate=options.frame_rate(info),
            bitrate=options.bitrate,
        )
        self._ended = self._leaving = False
        self._busy = threading.RLock()  # abort may come from another thread
        self._faults: list[OSError] = []
        self._output: OutputContainer | None = None
        self._tap: SoundTap | None = None
        self._seal = options.disclosure.seal if options.disclosure else None
        self._sidecar = SidecarFile(self.path)
        self._clear(overwrite=options.overwrite)
        try:
            with self._writing():
                self._programme = self._open(sound=options.sound is not None)
        except BaseException:
            self.abort()
            raise
        self._tap = options.sound.tap() if options.sound else None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told of the output."""
        return self._canvas.notices

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return writing(self.path, self._coding.encoder.name)

    def _segments(self) -> list[Path]:
        """Segments of this name that are there, and what FFmpeg has not renamed yet."""
        stem, name = re.escape(self.path.stem), re.escape(self.path.name)
        ours = re.compile(rf"{stem}-\d{{5,}}\.ts(\.tmp)?|{name}\.tmp")
        return sorted(item for item in self.path.parent.iterdir() if ours.fullmatch(item.name))

    def _clear(self, *, overwrite: bool) -> None:
        """Make the folder, and remove an older stream of the same name if that was asked for."""
        if _PLACE.search(str(self.path.absolute())):
            raise OutputError(f"{self.path} holds a place for a number; leave the % out.")
        if self.path.is_dir():
            raise OutputError(f"{self.path} is a folder; give the name of a playlist in it.")
        try:
            self.path.parent.mkdir(exist_ok=True)
            older = [*self._segments(), *(p for p in (self._sidecar.path, self.path) if p.exists())]
            if older and not overwrite:
                raise OutputExistsError(
                    f"{older[-1]} exists already; pass --overwrite to replace the stream or choose "
                    "another name."
                )
            for item in older:
                item.unlink()
        except OutputError:
            raise
        except FileNotFoundError as error:
            raise OutputError(
                f"There is no folder {self.path.parent.parent}; create it first."
            ) from error
        except OSError as error:
            raise output_error(error, self.path) from error

    def _open(self, *, sound: bool) -> Programme:
        folder = self.path.parent.absolute()
        stem = folder / self.path.stem
        self._output = output = av.open(
            str(self.path.absolute()),
            "w",
            format="hls",
            io_open=self._open_file,
            container_options={
                "protocol_whitelist": "file",
                "hls_time": str(_SEGMENT_S),
                "hls_list_size": str(_LIST_SIZE),
                "hls_flags": "delete_segments+independent_segments+temp_file",
                "hls_segment_filename": f"{stem}-%05d.ts",
                "max_interleave_delta": str(round(_PATIENCE_S * 1_000_000)),
            },
        )
        output.metadata.update(service_name=TITLE, service_provider="Masquerade")
        programme = Programme(
            output,
            output,
            self._coding,
            self._canvas,
            sound_codec="aac" if sound else None,
            patience_s=_PATIENCE_S,
        )
        output.start_encoding()
        return programme

    def _open_file(self, name: str, flags: int, options: object) -> HlsFile:  # noqa: ARG002
        """What FFmpeg opens: segments and the playlist, nothing else."""
        path = Path(name)
        if path.parent != self.path.parent.absolute():
            raise PermissionError(f"{name} is outside of the stream's folder")
        return HlsFile(path, self._faults)

    def _check(self) -> None:
        if self._faults:
            raise output_error(self._faults[0], self.path) from self._faults[0]

    def write(self, frame: Frame) -> None:
        """Encode one frame and the sound up to it.

        Raises:
            OutputError: the disk is full or the encoder failed; the playlist is closed.
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
        except BaseException:
            self.abort()
            raise

    def commit(self) -> None:
        """Write the last segment and close the playlist.

        Raises:
            OutputError: no frame was written, the disk is full.
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
        finally:
            self._release()

    def abort(self) -> None:
        """End the stream: the playlist is closed if there is one; what was shown stays."""
        self._leaving = True
        if not self._busy.acquire(timeout=_LAST_S):
            return  # a write hangs in the system
        try:
            if not self._ended:
                self._abort()
        finally:
            self._busy.release()

    def _abort(self) -> None:
        if hasattr(self, "_programme") and self._programme.frames:
            with contextlib.suppress(OutputError), self._writing():
                self._close()
            self._release()
            return
        self._release()
        with contextlib.suppress(OSError):
            for item in (*self._segments(), self.path):
                item.unlink(missing_ok=True)

    def _close(self) -> None:
        assert self._output is not None
        self._programme.finish(self._tap.take(float("inf")) if self._tap else ())
        self._output.close()
        self._sign()

    def _sign(self) -> None:
        """Beside the playlist, for it and the segments that stay."""
        if self._seal is None or not self.path.exists():
            return
        try:
            parts = [item for item in self._segments() if item.suffix == ".ts"]
            self._sidecar.words = self._seal(self.path, self.path, parts)
            self._sidecar.place()
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise output_error(error, self.path) from error

    def _release(self) -> None:
        self._ended = True
        if self._output is not None:
            with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
                self._output.close()
            self._output = None
        if self._tap is not None:
            self._tap.close()
