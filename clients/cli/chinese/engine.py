"""Chinese for what is said of the engine that nights run on."""

from collections.abc import Mapping

__all__ = ["ZH"]

ZH: Mapping[str, str] = {
    "This is no engine.": "没有这种引擎。",
    "The engine cannot work on so many rows with this memory.": "以此内存无法处理这么多行。",
    "Give it more, or a folder with more room.": "请增大内存上限，或换用空间更大的目录。",
    "Name duckdb, or a Spark master such as local[*] or spark://host:7077.": (
        "请写 duckdb，或 Spark 主节点，如 local[*]、spark://host:7077。"
    ),
    "Apache Spark is not installed.": "未安装 Apache Spark。",
    "Install it: pip install 'deltacare[spark]'.": "请安装：pip install 'deltacare[spark]'。",
    "Apache Spark needs Java, and there is none.": "Apache Spark 需要 Java，本机没有。",
    "Install Java 17 or 21, or pip install 'deltacare[spark]', which brings one.": (
        "请安装 Java 17 或 21；或 pip install 'deltacare[spark]'，其中自带。"
    ),
    "Java did not start: {}": "Java 未能启动：{}",
    "it said nothing": "没有任何输出",
    "Use Java 17 or 21.": "请使用 Java 17 或 21。",
    "This process runs on another Spark master already.": "本进程已在另一个 Spark 主节点上运行。",
    "Start another process for the other master.": "请另起一个进程使用另一个主节点。",
    "Spark could not be started on this master.": "无法在该主节点上启动 Spark。",
    "Look at its address and its log.": "请核对其地址并查看其日志。",
}
