"""Chinese for what click says of a command line: options, arguments, their values."""

from collections.abc import Mapping

__all__ = ["ZH"]

# click gives values in quotation marks of its own.
ZH: Mapping[str, str] = {
    # Options and arguments.
    "Got unexpected extra argument ({})": "多出参数：{}",
    "Got unexpected extra arguments ({})": "多出参数：{}",
    "No such option {}.": "没有选项 {}。",
    "No such command {}.": "没有命令 {}。",
    "Missing command.": "缺少命令。",
    "Option {} requires an argument.": "选项 {} 须带值。",
    "Option {} requires {} arguments.": "选项 {} 须带 {} 个值。",
    "Option {} does not take a value.": "选项 {} 不带值。",
    "Argument {} takes {} values.": "参数 {} 须有 {} 个值。",
    "Takes {} values but 1 was given.": "须有 {} 个值，只给出 1 个。",
    "Takes {} values but {} were given.": "须有 {} 个值，给出了 {} 个。",
    "{} values are required, but {} was given.": "须有 {} 个值，只给出 {} 个。",
    "{} values are required, but {} were given.": "须有 {} 个值，给出了 {} 个。",
    "Invalid start character for option ({})": "选项的开头字符不对（{}）",
    "(Did you mean one of: {}?)": "是否指以下之一：{}？",
    # Values.
    "'{}' is not a valid integer.": "“{}”不是整数。",
    "'{}' is not a valid integer range.": "“{}”不是整数。",
    "'{}' is not a valid float.": "“{}”不是数字。",
    "'{}' is not a valid float range.": "“{}”不是数字。",
    "{} is not in the range {}.": "{} 不在 {} 的范围内。",
    "'{}' is not one of {}.": "“{}”不在可用的值之中：{}。",
    "'{}' is not '{}'.": "“{}”不是“{}”。",
    "'{}' is not a valid boolean. Recognized values: {}": "“{}”不是真假值。可用：{}",
    "'{}' is not a valid UUID.": "“{}”不是 UUID。",
    "'{}' does not match the format {}.": "“{}”不符合格式 {}。",
    "'{}' does not match the formats {}.": "“{}”不符合以下任何一种格式：{}。",
    # Files.
    "File {} does not exist.": "文件 {} 不存在。",
    "Directory {} does not exist.": "目录 {} 不存在。",
    "Path {} does not exist.": "路径 {} 不存在。",
    "File {} is a directory.": "{} 是目录，不是文件。",
    "Path {} is a directory.": "{} 是目录，不是文件。",
    "Directory {} is a file.": "{} 是文件，不是目录。",
    "Path {} is a file.": "{} 是文件，不是目录。",
    "File {} is not readable.": "无权读取文件 {}。",
    "Directory {} is not readable.": "无权读取目录 {}。",
    "Path {} is not readable.": "无权读取 {}。",
    "File {} is not writable.": "无权写入文件 {}。",
    "Directory {} is not writable.": "无权写入目录 {}。",
    "Path {} is not writable.": "无权写入 {}。",
    "Could not open file {}: {}": "无法打开文件 {}：{}",
    # Why, as the operating system says it.
    "No such file or directory": "没有该文件或目录",
    "Permission denied": "没有权限",
    "Is a directory": "是目录",
    "Not a directory": "不是目录",
    "File exists": "文件已存在",
    "No space left on device": "磁盘空间已满",
    "Read-only file system": "文件系统只读",
    "File name too long": "文件名过长",
    "Too many levels of symbolic links": "符号链接层数过多",
}
