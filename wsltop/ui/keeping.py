"""What goes on over many samples while the screen shows them: a recording, an experiment."""

from __future__ import annotations

import contextlib

from wsltop.errors import RecordingError, WsltopError
from wsltop.experiment.measure import measure_all
from wsltop.experiment.run import Experiment, prepare
from wsltop.experiment.spec import ExperimentPlan
from wsltop.experiment.summary import tell_result
from wsltop.hogs.pool import HogPool
from wsltop.model.sample import Sample
from wsltop.model.units import GIB, format_duration, format_size
from wsltop.recording.writer import RecordingWriter
from wsltop.ui.acting import ActingApp
from wsltop.ui.exporting import stamp

CLASSIC_HOGS = 4
CLASSIC_HOLD = 10.0


class KeepingApp(ActingApp):
    """An app that can record what it shows, and run the classic experiment before everybody's eyes."""

    pool: HogPool | None
    _writer: RecordingWriter | None = None
    _experiment: Experiment | None = None

    @property
    def occupied(self) -> bool:
        """Whether something goes on that wants every sample."""
        return self._writer is not None or self._experiment is not None or self._action is not None

    # Recordings

    def toggle_recording(self) -> None:
        """Begin to record into a new file below the state folder, or end it."""
        if self._writer is not None:
            path, size = self._writer.path, self._writer.size
            self.end_recording()
            self.notify(f"recorded {format_size(size)} in {path}")
            return
        folder = self.options.state_folder
        path = folder / f"recording-{stamp()}.wsltop"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = RecordingWriter(path, interval=self.presenter.interval)
        except (OSError, RecordingError) as error:
            self.notify(str(error), title="no recording", severity="error")

    def end_recording(self) -> None:
        """Close the recording's file, if there is one."""
        writer, self._writer = self._writer, None
        self.presenter.recording = ""
        if writer is not None:
            writer.close()

    def keep(self, sample: Sample) -> None:
        """Write the sample down, and let the experiment take it."""
        self._write(sample)
        self._follow_experiment(sample)

    def _write(self, sample: Sample) -> None:
        writer = self._writer
        if writer is None:
            return
        try:
            writer.write(sample)
        except RecordingError as error:
            self.end_recording()
            self.notify(str(error), title="the recording ended", severity="error")
            return
        self.presenter.recording = f"REC {format_size(writer.size)} {format_duration(writer.age)}"

    # Experiments

    def toggle_experiment(self) -> None:
        """Run the classic: four hogs of 1 GiB, held for ten seconds and killed; the same key ends it."""
        moment = self.session.moment
        if self.pool is None or moment is None:
            return
        if self._experiment is not None:
            self._experiment.stop("the user", moment.sample.monotonic)
            self._tell_experiment(self._experiment)
            return
        plan = ExperimentPlan(hogs=CLASSIC_HOGS, size=GIB, hold=CLASSIC_HOLD)
        try:
            self._experiment = prepare(plan, self.pool, interval=self.presenter.interval)
        except WsltopError as error:
            self.notify(str(error), title="no experiment", severity="warning")

    def _follow_experiment(self, sample: Sample) -> None:
        experiment = self._experiment
        if experiment is None:
            return
        experiment.take(sample)
        experiment.step(sample.monotonic)
        self._mark_phases(experiment)
        if experiment.finished:
            self._tell_experiment(experiment)

    def _mark_phases(self, experiment: Experiment) -> None:
        for event in experiment.events():
            self.mark(event.text)

    def _tell_experiment(self, experiment: Experiment) -> None:
        self._experiment = None
        result = experiment.result()
        experiment.close()
        self._mark_phases(experiment)
        told = tell_result(result, measure_all(result))
        self.mark(f"experiment: result: {told}")
        self.notify(told, title="experiment", timeout=20)

    def on_unmount(self) -> None:
        """The program ends: what was recorded is to reach the disk, and the experiment's hogs go."""
        if self._experiment is not None:
            self._experiment.close()
        with contextlib.suppress(RecordingError):  # nobody is left to be told, and each sample was handed over
            self.end_recording()
