"""Shows click's errors in Chinese and English; click itself has them in English only."""

from __future__ import annotations

import re

import click

CHINESE = (
    ("No such command (.+?)[.]", "没有命令 {0}。"),
    ("No such option (.+?)[.]", "没有选项 {0}。"),
    ("Missing command[.]", "缺少命令。"),
    ("Missing option (.+?)[.]", "缺少选项 {0}。"),
    ("Missing argument (.+?)[.]", "缺少参数 {0}。"),
    ("Option (.+?) requires an argument[.]", "选项 {0} 缺少值。"),
    ("Option (.+?) does not take a value[.]", "选项 {0} 不带值。"),
    ("Got unexpected extra arguments? [(](.+)[)]", "多余的参数 {0}。"),
    ("Invalid value for (.+?): (.+) is not one of (.+)[.]", "{0} 须为 {2} 之一，不能是 {1}。"),
    ("Invalid value for (.+?): (.+) is not a valid integer(?: range)?[.]", "{0} 须为整数，不能是 {1}。"),
    ("Invalid value for (.+?): (.+) is not in the range (.+)[.]", "{0} 须在 {2} 范围内，不能是 {1}。"),
    ("Invalid value for (.+?): (.+) does not match the format .+", "{0} 须为日期，如 2019-05-20，不能是 {1}。"),
)
"""Pairs: a regular expression that matches the beginning of an English message of click, and the same message in
Chinese. The groups of the expression are filled into the Chinese message."""


def message(error: click.ClickException) -> str:
    """The error's message in Chinese and English.

    Only click's messages are translated. This program writes its own messages in both languages.
    """
    english = error.format_message()
    for pattern, chinese in CHINESE:
        if found := re.match(pattern, english, re.DOTALL):
            return f"{chinese.format(*found.groups())} {english}"
    return english


def show(error: click.ClickException) -> None:
    """Print the error to standard error, preceded by the command's usage if the command was called wrongly."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    if isinstance(error, click.UsageError) and error.ctx:
        click.echo(f"{error.ctx.get_usage()}\n帮助 help: {error.ctx.command_path} --help\n", err=True)
    click.echo(f"错误 Error: {message(error)}", err=True)
