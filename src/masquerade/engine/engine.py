"""The engine: donors, settings and stages wired into a line."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MasqueradeError
from masquerade.core.execution import Execution
from masquerade.core.frame import Change, Frame, FrameJob
from masquerade.core.lifetimes import Closing
from masquerade.core.settings import Settings
from masquerade.engine.asked import asked_networks, check_models
from masquerade.engine.asked_providers import check_providers
from masquerade.engine.changes import donors_change
from masquerade.engine.donors import as_identities, as_references, checked_by_hand, checked_picture
from masquerade.engine.face_rules import FaceRules
from masquerade.engine.ledger import Ledger
from masquerade.engine.locked_faces import LockedFaces
from masquerade.engine.record import noting_refusals
from masquerade.engine.refusals import nobody_to_swap, require_face
from masquerade.engine.rehearsal import rehearsal_frames
from masquerade.engine.staging import Staging
from masquerade.engine.strategy import frame_bytes
from masquerade.pipeline.meter import Meter, Progress
from masquerade.pipeline.report import Report, Tally
from masquerade.pipeline.scheduler import Scheduler
from masquerade.runtime.budget import process_budget
from masquerade.runtime.memory import return_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.face import Attributes
    from masquerade.core.protocols import Sink, Source
    from masquerade.engine.donors import Donor, Reference
    from masquerade.pipeline.line import Line
    from masquerade.stages.identity import Identity
    from masquerade.trust.deny_list import LockedFace
    from masquerade.trust.minors import Guardian
    from masquerade.trust.watermark import Watermark

__all__ = ["Engine"]


class Engine(Closing):
    """Swaps the faces of pictures, of streams of frames and of videos for a donor's.

    Donors are enrolled and networks loaded when they are first needed; networks are shared by
    all engines of the process that use as many threads. One engine serves one thread at a time.

    Args:
        donors: one person: a photo (path, or uint8 (H, W, 3) BGR), a saved identity's path
            (``.mqid``), an :class:`Identity`, or a list of photos of that person. Several people:
            a mapping from names to any of these.
        settings: how to swap.
        execution: where brought networks run, and how much memory they may take. A limit holds
            for the process, until the engine that has set it is closed.
        references: whom to replace, by donor's name: a photo of that person, an
            :class:`Identity`, or a track number. With one donor the photo or number alone will do.
        guardian: what is stated of people who look under 18, one for everybody or one for each
            donor's name, the empty name for the target: ``agreed``, by a parent or guardian, or
            ``adult``, the person is of age.
        locked: faces that must not be used, beside those that are locked on this installation.
        stage_clock: seconds; what ``Report.timings_ms`` is measured with. ``time.thread_time``
            gives the steps' CPU time instead of wall time.

    Attributes:
        ledger: what the credentials of outputs say of the work.
        frames_alive: how many frames of a video are under way at the most; None goes by the memory.
            With 1 the steps take turns, and the work keeps about one core busy.

    Raises:
        NoFaceInDonorError: a donor's photo shows no face.
        InputError: a donor's file is missing, damaged or no picture.
        SettingsError: no donor, or a reference for a donor that is not there.
        LockedFaceError: somebody has locked a donor's face on this installation.
        GuardianError: a donor looks under 18 and nobody answers for it.
        ModelError: a network that the settings name is not installed.
        LicenceError: its licence was not accepted.
        ProviderError: a provider that was asked for is not installed.
    """

    def __init__(
        self,
        donors: Donor | Mapping[str, Donor],
        settings: Settings | None = None,
        *,
        execution: Execution | None = None,
        references: Reference | Mapping[str, Reference] | None = None,
        guardian: Guardian | Mapping[str, Guardian] | None = None,
        locked: Sequence[LockedFace] = (),
        stage_clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.settings = settings or Settings()
        check_models(self.settings)
        check_providers(execution or Execution())
        self.identities: Mapping[str, Identity] = as_identities(donors)
        with noting_refusals():
            self._rules = FaceRules(guardian, LockedFaces.with_those_here(locked))
            self._rules.check_donors(self.identities)
        self._references = as_references(references, self.identities)
        self._by_hand: Mapping[int, str | None] = {}
        self.ledger = Ledger()
        self.frames_alive: int | None = None
        self.execution = execution or Execution()
        self._staging = Staging(self.execution, self._rules, stage_clock)
        self._lines: dict[bool, Line] = {}
        self._next_seq = 0
        self._closed = False

    def load(self, size_wh: tuple[int, int] | None = None) -> None:
        """Open the networks now, and not with the first frame: what is wrong with them shows here.

        Args:
            size_wh: of the frames that will come, in pixels: networks leave memory for them.

        Raises:
            InputError: a donor was saved without what networks need.
            RuntimeSetupError: a network is missing, broken, or does not fit into memory.
        """
        if size_wh is not None:
            self._staging.expect(size_wh)
        self._line()

    def process(self, frame_bgr: NDArray[np.uint8], pts: int | None = None) -> NDArray[np.uint8]:
        """Swap the faces of the next frame of a stream, in this thread.

        Faces are followed from one frame to the next; call :meth:`reset` before another stream.
        OpenCV's own threads are left as they are. Where other work shares the cores,
        ``cv2.setNumThreads(1)`` is quicker (measured: 22 ms a frame instead of 34); on idle
        cores it costs about a tenth. :meth:`run` sees to that by itself.

        Args:
            frame_bgr: uint8 (H, W, 3), BGR. It is not changed.
            pts: time of the frame in milliseconds, if known.

        Returns:
            uint8 (H, W, 3), BGR, a new array, with the label that the settings ask for.

        Raises:
            InputError: the frame is no such array.
            ContentError: the content check refuses it, and the stream with it.
            ConsentError: it shows a face that must not be used.
            MasqueradeError: a step failed for good.
        """
        job = FrameJob(Frame(checked_picture(frame_bgr), seq=self._next_seq, pts=pts))
        self._next_seq += 1
        with noting_refusals():
            return self._line().process(job).writable_output()

    def reset(self) -> None:
        """Forget the stream that :meth:`process` has followed."""
        self._next_seq = 0
        self._line().reset()

    def swap_picture(
        self, picture_bgr: NDArray[np.uint8], *, allow_no_face: bool = False
    ) -> tuple[NDArray[np.uint8], Report]:
        """Swap the faces of one still; the stream of :meth:`process` is not touched.

        Args:
            picture_bgr: uint8 (H, W, 3), BGR. It is not changed.
            allow_no_face: return the picture as it is, unlabelled, where there is nobody to swap.

        Returns:
            uint8 (H, W, 3), BGR, and what was done.

        Raises:
            NoFaceInTargetError: nobody to swap and ``allow_no_face`` is False.
            InputError: the picture is no such array.
            ContentError: the content check refuses it.
            ConsentError: it shows a face that must not be used.
            MasqueradeError: a step failed.
        """
        self._staging.expect((picture_bgr.shape[1], picture_bgr.shape[0]))
        line, meter, tally = self._line(still=True), Meter(total=1), self.new_tally()
        line.reset()
        with noting_refusals():
            job = line.process(FrameJob(Frame(checked_picture(picture_bgr))))
        tally.add(job)
        meter.frame_finished(job.timings_ms)
        report = tally.report(meter, advice=self.advice, warnings=self.notices, models=self.models)
        if tally.faces_selected:
            return job.writable_output(), report
        if not allow_no_face:
            raise nobody_to_swap(tally)
        return job.writable_output() if self.settings.strict else picture_bgr.copy(), report

    def run(
        self,
        source: Source,
        sink: Sink,
        progress: Callable[[Progress], None] | None = None,
        *,
        allow_no_face: bool = False,
        adapt: Callable[[Line], Line] | None = None,
    ) -> Report:
        """Swap a whole stream, reading, working and writing side by side.

        What :meth:`process` has followed before is forgotten.

        Args:
            source: frames; opened and closed by the caller.
            sink: committed at the end, or aborted if anything prevents a whole output.
            progress: called in this thread about ten times a second, and at the end.
            allow_no_face: write the output even if nobody was swapped on any frame.
            adapt: makes of the engine's line the one that works; for films in segments.

        Raises:
            NoFaceInTargetError: no frame shows anybody to swap and ``allow_no_face`` is False.
            CancelledError: Ctrl-C was pressed.
            ContentError: the content check refuses the stream.
            ConsentError: it shows a face that must not be used.
            MasqueradeError: reading, a step or writing failed.
        """
        size_wh, budget = source.info.size_wh, process_budget()
        try:
            self._staging.expect(size_wh)
            self.reset()
            return_freed_memory()
            strategy = self._staging.strategy(size_wh)
            frames = min(strategy.frames_alive, self.frames_alive or strategy.frames_alive)
            reserved = budget.admit("The queue of frames", frames * frame_bytes(size_wh))
        except MasqueradeError:
            sink.abort()
            raise
        tally = self.new_tally()
        with reserved, noting_refusals():
            meter = Scheduler(frames_alive=frames).run(
                source,
                self._line() if adapt is None else adapt(self._line()),
                sink,
                on_job=tally.add,
                on_progress=progress,
                accept=None if allow_no_face else functools.partial(require_face, tally),
            )
        notices = (*getattr(source, "notices", ()), *getattr(sink, "notices", ()))
        encoder = getattr(sink, "encoder_name", None)
        return tally.report(
            meter,
            encoder=encoder,
            advice=self.advice,
            warnings=(*self.notices, *notices),
            models=self.models,
            strategy=strategy.sentence,
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What had to be given up for memory, one sentence each, the oldest first."""
        return self._staging.notices

    @property
    def guardian(self) -> Guardian | Mapping[str, Guardian] | None:
        """What was stated of people who look under 18."""
        return self._rules.guardian

    @property
    def content(self) -> Mapping[str, Any]:
        """What the content check has said so far, for the credentials."""
        return self._staging.target_check.facts(self.settings)

    @property
    def insists_on_content(self) -> bool:
        """Whether the content check is on and strict since somebody looks under 18."""
        return self._staging.target_check.insists

    @property
    def references(self) -> Mapping[str, Attributes | int]:
        """Whom donors replace, by donor's name: what a face looks like, or a track number."""
        return self._references

    @property
    def models(self) -> tuple[str, ...]:
        """The brought networks that are open, each with precision and provider."""
        return self._staging.models

    @property
    def mark(self) -> Watermark:
        """The invisible mark of what is drawn live, of a number of this engine's own."""
        return self._staging.mark

    @property
    def networks(self) -> tuple[Any, ...]:
        """The same networks: each has ``spec`` and ``network``."""
        return self._staging.networks

    @property
    def advice(self) -> tuple[str, ...]:
        """How better donor photos would look, the weightiest first."""
        return tuple(
            dict.fromkeys(text for item in self.identities.values() for text in item.advice)
        )

    def new_tally(self) -> Tally:
        """Counts what becomes of faces by the engine's settings; the ledger's from now on."""
        tally = Tally(lambda: self.settings.on_lost == "pass")
        self.ledger.begin(tally)
        return tally

    def live_line(self, size_wh: tuple[int, int], *, warm_up: bool) -> Line:
        """New stages for a stream; for :class:`LiveSession`, which sets them as it likes.

        Args:
            size_wh: width and height of the stream's frames in pixels.
            warm_up: run them on a bundled picture of that size first, so that networks are
                loaded and memory is claimed before the first frame is there.

        Raises:
            RuntimeSetupError: a network or the runtime is broken.
        """
        line = self._new_line(live=True)
        if warm_up:
            for seq, pixels in enumerate(rehearsal_frames(size_wh)):
                line.process(FrameJob(Frame(pixels, seq, 40 * seq)))
            line.reset()
        return line

    def change_donors(
        self,
        donors: Donor | Mapping[str, Donor],
        by_hand: Mapping[int, str | None] | None = None,
    ) -> tuple[Change, ...]:
        """What the stages must take over to draw other donors, who are the engine's from now on.

        Args:
            donors: as for the class; each replaces whom the one before it did.
            by_hand: by track number, the donor of that face, or None to leave it as it is. Donors
                that are named here go to nobody else, but for the first one.

        Raises:
            NoFaceInDonorError: a donor's photo shows no face.
            InputError: a donor's file is missing, damaged or no picture.
            SettingsError: no donor, or a face for one that is not there.
            ConsentError: a donor's face must not be used, or nobody answers for a child's.
        """
        identities = as_identities(donors)
        with noting_refusals():
            self._rules.check_donors(identities)
        faces = checked_by_hand(by_hand or {}, identities)
        heirs = dict(zip(self.identities, identities, strict=False))
        whom = {heirs[n]: r for n, r in self._references.items() if n in heirs}
        change = self._staging.change(self.settings, identities, whom, faces, new_donors=True)
        self.identities, self._references, self._by_hand = identities, whom, faces
        return change, donors_change()

    def change_settings(self, **changes: Any) -> Change:
        """What the stages must take over to work by other settings; the engine's from now on.

        Raises:
            SettingsError: there is no such setting, or its value is wrong.
            InputError: a donor was saved without what networks need.
            RuntimeSetupError: a network is missing, broken, or does not fit into memory.
        """
        settings = self.settings.replace(**changes)
        change = self._staging.change(settings, self.identities, self._references, self._by_hand)
        if asked_networks(settings) != asked_networks(self.settings):
            self._lines.clear()  # their networks are given back
        self.settings = settings
        return change

    def close(self) -> None:
        """Let go of the stream's memory and of networks; the engine cannot be used afterwards."""
        self._lines.clear()
        self._staging.close()
        self._closed = True

    def _line(self, *, still: bool = False) -> Line:
        """The stages for stills, or those for streams; each kind is made once and reset."""
        if still not in self._lines:
            self._lines[still] = self._new_line(still=still)
        return self._lines[still]

    def _new_line(self, *, still: bool = False, live: bool = False) -> Line:
        """New stages in the order of the frame's way."""
        if self._closed:
            raise MasqueradeError("This engine is closed; make a new one.")
        return self._staging.line(
            self.settings, self.identities, self._references, still=still, live=live
        )
