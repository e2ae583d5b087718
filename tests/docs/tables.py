"""Makes tables of docs/*.md from the code. A document holds such a table between two lines:

  <!-- made: NAME -->
  <!-- end of table -->

In some tables the last cells of a row are written by hand. They are kept by the row's first cells, and
must not be empty. A ValueError means that the code has a form that is not understood here. See check,
which calls this.
"""
import glob
import os
import re
import subprocess


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def sources():
    """Every source file and header in src/, at any depth."""
    return sorted(glob.glob("src/**/*.h", recursive=True) + glob.glob("src/**/*.cc", recursive=True))


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return [row(head), "|" + "---|" * len(head)] + [row(each) for each in rows]


def cells_of(line):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


class Kept:
    """The last `count` cells of each row of the present table, by the row's first `keys` cells."""

    def __init__(self, lines, keys, count=1):
        rows = [cells_of(line) for line in lines if line.startswith("|")][2:]
        self.count = count
        self.text = {tuple(each[:keys]): [cell.replace("|", "\\|") for cell in each[-count:]] for each in rows}
        self.missing = []

    def all_of(self, *key):
        cells = self.text.get(key, [""] * self.count)
        if "" in cells:
            self.missing.append(" ".join(key))
        return cells

    def of(self, *key):
        return self.all_of(*key)[-1]


# Flags


def flags(lines, build):
    """Every flag as `wsd --help` lists it."""
    printed = subprocess.run([f"{build}/wsd", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    kept, rows = Kept(lines, 1), []
    listed = re.findall(r"^  (--[a-z-]+)(?: ([A-Z]+))?(?:  +|\n {30})(.*(?:\n {30}.*)*)", printed, re.M)
    if len(listed) != len(re.findall(r"^  --", printed, re.M)):
        raise ValueError("the output of wsd --help has a form that is not understood here")
    for flag, argument, text in listed:
        text = " ".join(text.split()).replace("|", "\\|").replace("*", "\\*")
        help_text, default = re.match(r"(.*?)(?: \(default: (.*)\))?$", text).groups()
        key = f"`{flag}`"
        rows.append([key, argument, default or "", help_text, kept.of(key)])
    return table(["flag", "argument", "default", "effect", "explained in"], rows), kept.missing


# Limits


def limits(lines, build):
    """Each flag whose default is a number, but for those that bound nothing."""
    no_limits = {"reactors", "deflate-level", "deflate-threshold", "log-level", "socket-send-buffer", "notsent-lowat",
                 "history-sync"}
    options = {}
    for path in sorted(glob.glob("src/**/*.cc", recursive=True)):
        for flag, field in re.findall(
                r'\{"([a-z-]+)",(?:(?!\{").)*?return o\.((?:server\.)?[a-z_.]+);', read(path), re.S):
            options[flag] = field.removeprefix("server.")
    printed = subprocess.run([f"{build}/wsd", "--print", "config"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    kept, rows, group, comment = Kept(lines, 1), [], None, []
    for line in printed.split("\n"):
        setting = re.match(r"^#([a-z-]+) = (.*)$", line)
        if line.startswith("### "):
            group = line[4:]
        elif line.startswith("# "):
            comment.append(line[2:])
        elif setting and group:
            flag, default = setting.groups()
            if re.match(r"^(\d+(ms|s|m|h|[KMGT]iB)?|disconnect)$", default) and flag not in no_limits:
                key = f"`--{flag}`"
                rows.append([key, f"`{options.get(flag, '')}`", default,
                             " ".join(comment).replace("|", "\\|"), kept.of(key)])
        if not line.startswith("# "):
            comment = []
    return table(["flag", "`ServerOptions`", "default", "setting", "when reached"], rows), kept.missing


def constants(lines, _build):
    """Values of constants that the table names as `file: kName`."""
    kept, rows, missing = Kept(lines, 1), [], []
    for (key,) in list(kept.text):
        path, name = re.match(r"^`(\S+): (\w+)`$", key).groups()
        found = re.search(r"\b" + name + r" =\s*([^;]+);", read(path)) if os.path.exists(path) else None
        if not found:
            missing.append(key)
            continue
        value = re.sub(r"std::size_t\{(\d+)\}", r"\1", found[1]).replace("'", ",")
        rows.append([key, f"`{value}`", kept.of(key)])
    return table(["constant", "value", "effect"], rows), kept.missing + missing


# Events of the log

LEVELS = ["Debug", "Info", "Warn", "Error"]
WRITERS = ("log", "write_line", "line", "on_warning", "report", "report_")
HAND_ON = (*WRITERS, "engine_event", "log_engine_event", "say")
OWN_TABLES = ("connection_end",)
QUOTED = r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\])'"


def code_of(path):
    """Without comments."""
    return re.sub(rf'(R"\(.*?\)"|{QUOTED})|//[^\n]*', lambda match: match[1] or "", read(path), flags=re.S)


def end_of_group(text, start):
    """Where the bracket that opens at `start` is closed."""
    depth = 0
    for match in re.compile(QUOTED + r"|[(\[{]|[)\]}]").finditer(text, start):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    raise ValueError("a bracket is not closed")


def arguments_of(group):
    """What stands between the commas of "(A, B, ...)"."""
    found, i, start = [], 1, 1
    while i < len(group):
        if group[i] in "([{":
            i = end_of_group(group, i)
        elif quoted := re.compile(QUOTED).match(group, i):
            i = quoted.end()
        else:
            if group[i] in ",)":
                found.append(group[start:i].strip())
                start = i + 1
            i += 1
    return found


def body_of(text, head):
    """The body of the function whose head matches, or nothing."""
    match = re.search(head + r"[^;{]*\{", text)
    return text[match.end() - 1 : end_of_group(text, match.end() - 1)] if match else ""


def fields_in(text, piece):
    """What that piece of code adds to a line, itself or by a function that it hands the line to."""
    names = []
    for added, called in re.findall(r'\badd\(\s*"(\w+)"|\b(\w+)\(line\b', piece):
        names += [added] if added else fields_in(text, body_of(text, rf"\b{called}\(LogLine& line\b"))
    return list(dict.fromkeys(names))


def logged():
    """{event: ({levels}, {fields: None})} of all that src/ can write."""
    found, texts = {}, {path: code_of(path) for path in sources()}
    everything = "\n".join(texts.values())  # a line may be handed to a function of another file
    # Reactors know of no level: what on_warning() is given has that of its own call.
    trouble = [match[1] for text in texts.values()
               for match in re.finditer(r"\bon_trouble\([^)]*\bevent\b[^;{]*\{\s*log\(([^,]*),", text)]
    for path, text in texts.items():
        for call in re.finditer(rf"\b({'|'.join(WRITERS)})\(", text):
            end = end_of_group(text, call.end() - 1)
            given = arguments_of(text[call.end() - 1 : end])
            if call[1] == "on_warning":
                given = trouble[:1] + given
            if len(given) < 2 or "evel" not in given[0] or re.search(r"[ *]event$", given[1]):
                continue  # not of the log, or one of these functions itself
            if given[1] == "event":
                if re.search(r"\]\([^;{}]*\bevent\b[^;{}]*\)\s*\{\s*$", text[: call.start()]):
                    continue  # a function without a name that hands it on
                hands_on = re.findall(r"\b(\w+)\([^;{}]*\bevent\b[^;{}]*\)[^;{}]*\{", text[: call.start()])
                if hands_on and hands_on[-1] in HAND_ON:
                    continue
            name = re.fullmatch(r'"(\w+)"', given[1])
            if not name:
                raise ValueError(f"{path}: the event of {call[0]}{', '.join(given[:2])}, ...) is no literal")
            # A level that has a name is looked for where it was named.
            named = re.findall(rf"\bLogLevel {re.escape(given[0])} =([^;]*);", text[: call.start()])
            levels, fields = found.setdefault(name[1], (set(), {}))
            levels.update(re.findall(r"\bLogLevel::k(\w+)", named[-1] if named else given[0]))
            if call[1] == "line":
                written = re.compile(r"\.(?:write|take)\(").search(text, end)
                end = written.start() if written else len(text)
            own = fields_in(everything, text[call.start() : end])
            fields.update(dict.fromkeys(own or ["text"]))
    add_engine_events(found, texts, everything)
    return found


def add_engine_events(found, texts, everything):
    """Those of src/engine, which knows of no log: level_of() has the level of each name."""
    body = body_of(everything, r"\bint level_of\(")
    special = dict(re.findall(r'event == "(\w+)" \? LogLevel::k(\w+)', body))
    other = re.findall(r": LogLevel::k(\w+)", body)
    fields = fields_in(everything, body_of(everything, r"ServerCore::log_engine_event\("))
    for path, text in texts.items():
        if path.startswith("src/engine/"):
            for name in re.findall(r'\b(?:engine_event|say)\(\s*"(\w+)"', text):
                levels, _ = found.setdefault(name, (set(), {}))
                levels.update([special[name]] if name in special else other)
    for name, (_, own) in found.items():
        if name.startswith("engine_"):
            own.clear()
            own.update(dict.fromkeys(fields))


def events(lines, _build):
    """The log's events with their levels and fields."""
    kept, rows = Kept(lines, 1), []
    for event, (levels, fields) in sorted(logged().items()):
        key = f"`{event}`"
        rows.append([key, ", ".join(each.lower() for each in LEVELS if each in levels),
                     "its own table" if event in OWN_TABLES else ", ".join(f"`{each}`" for each in fields),
                     kept.of(key)])
    return table(["event", "level", "fields", "meaning and action"], rows), kept.missing


def fields_of(event):
    def make(lines, _build):
        kept = Kept(lines, 1)
        _, fields = logged().get(event) or (None, {})
        rows = [[f"`{field}`", kept.of(f"`{field}`")] for field in fields]
        return table(["field", "meaning"], rows), kept.missing

    return make


# Metrics

METRIC = (r'\b(?:head|single)\(\s*(?:"(wsd_\w+)"|(k\w+)),\s*"(gauge|counter|histogram)"'
          r'|\.(histogram)\(\s*"(wsd_\w+)"')


def metrics(lines, _build):
    """Each metric that the code writes, with its type."""
    kept, rows = Kept(lines, 1), []
    for path in sources():
        text = code_of(path)
        names = dict(re.findall(r'\bstd::string_view (k\w+) = "(wsd_\w+)"', text))
        for name, constant, kind, histogram, named in re.findall(METRIC, text):
            key = f"`{name or named or names[constant]}`"
            rows.append([key, kind or histogram, kept.of(key)])
    if not rows:
        raise ValueError("no metric is found in src/")
    return table(["metric", "type", "meaning and action"], rows), kept.missing


# Close causes


def close_causes(lines, _build):
    """Each cause, in the order of the code's own table."""
    kept, rows = Kept(lines, 1, 2), []
    for path in sources():
        for name in re.findall(r'\{"(\w+)", CloseCode::k\w+\}', code_of(path)):
            key = f"`{name}`"
            rows.append([key, *kept.all_of(key)])
    if not rows:
        raise ValueError("no table of close causes is found in src/")
    return table(["cause", "sent to the client", "reason"], rows), kept.missing


# Atomics

OPERATION = r"(?:\.|->)(load|store|exchange|fetch_\w+|compare_exchange_\w+|wait|notify_\w+)\("


def atomics(lines, _build):
    """Each std::atomic member of src/ with the operations on it and their orders."""
    texts = {path: re.sub(r"//[^\n]*", "", read(path)) for path in sources()}
    kept, rows = Kept(lines, 2), []
    for path, text in texts.items():
        if not path.endswith(".h"):
            continue
        for name in dict.fromkeys(re.findall(r"\bA?a?tomic<[^;()]*?>+ (\w+)(?:\{| =|;)", text)):
            private = name.endswith("_")
            # A private one is used by its class's two files, a public one anywhere.
            stem = path[: -len(".h")]
            where = [stem + ".h", stem + ".cc"] if private else list(texts)
            if path == "src/server/server_core.h":
                where += ["src/server/server_start.cc", "src/server/stats.cc"]
            uses = {}
            for file in where:
                for operation, arguments in re.findall(r"\b" + name + OPERATION + r"([^;]*)", texts.get(file, "")):
                    orders = re.findall(r"memory_order_(\w+)", arguments)
                    if operation.startswith("compare"):
                        order = " / ".join(orders[:2])
                    else:
                        order = orders[0] if orders else ("" if operation.startswith("notify") else "seq_cst")
                    uses.setdefault(f"{operation} {order}".strip(), None)
            key = f"[{path.removeprefix('src/')}](../{path})", f"`{name}`"
            rows.append([*key, ", ".join(sorted(uses)), kept.of(*key)])
    return table(["where", "atomic", "operations", "why that is enough"], rows), kept.missing


# Threads

PHRASES = (
    (r"[Aa]ny\s+thread\s+but\s+a\s+reactor's", "any thread but a reactor's"),
    (r"[Aa]ny\s+thread(?!\s+but)", "any thread"),
    (r"Reactor\s+thread", "a handler on its reactor"),
    (r"Before start\(\)", "before `start()`"),
    (r"[Oo]ne\s+thread\s+at\s+a\s+time", "one thread at a time"),
)


def rule_of(comment):
    found = [(match.start(), rule) for pattern, rule in PHRASES for match in re.finditer(pattern, comment)]
    return max(found)[1] if found else None


# What a class's own comment says of all its methods, where it does.
CLASS_RULES = {"Hub": "any thread", "Request": "within the handler", "Responder": "any thread"}


def threads(lines, _build):
    """The public functions of include/wsd, by the thread rule that their comments state."""
    rules, missing = {}, []
    for path in sorted(glob.glob("include/wsd/*.h")):
        scope, depth, public, comment, code = "", 0, True, [], ""
        for line in read(path).split("\n"):
            text = line.strip()
            if text.startswith("//"):
                comment = comment + [text[2:]] if not code else comment
                continue
            if not text:
                comment, code = [], ""
                continue
            opened = re.match(r"^(?:template.*)?(class|struct) (\w+)[^;]*\{", text)
            if opened and depth == 0:
                scope, depth, public = opened[2], 1, opened[1] == "struct"
                comment, code = [], ""
                continue
            if line.startswith("};"):
                scope, depth, comment, code = "", 0, [], ""
                continue
            if text in ("public:", "private:"):
                public = text == "public:"
                continue
            code += " " + text.split(" //")[0]
            if not re.search(r"[;{}]$", text.split(" //")[0].rstrip()):
                continue
            name = re.search(r"\b(\w+)\((?!\*)", code)
            done, code = code, ""
            skip = ("operator", "virtual", "= delete", "= default", "static_assert", "std::function<", "return ",
                    "explicit", "static ", "assert")
            if not public or not name or any(word in done for word in skip) or name[1] == scope:
                continue
            if scope in ("Upgrade", "DurationHistogram", "Since", "Request", "Exchange", "Responder", "ServerStats"):
                continue
            rule = rule_of(" ".join(comment)) or CLASS_RULES.get(scope)
            what = f"{scope}::{name[1]}" if scope else name[1]
            if rule is None:
                missing.append(f"{path}: {what}")
            else:
                rules.setdefault((os.path.basename(path), rule), dict()).setdefault(f"`{what}`")
    rows = [[f"[{header}](../include/wsd/{header})", rule, ", ".join(names)]
            for (header, rule), names in rules.items()]
    return table(["header", "from", "functions"], rows), missing


# Clauses

RFCS = {"6455": "The WebSocket Protocol", "7692": "permessage-deflate", "9112": "HTTP/1.1",
        "9110": "HTTP Semantics", "3629": "UTF-8"}
CLAUSE = r"§(\d+(?:\.\d+)*)"


def clauses_of_source(path):
    """{(rfc, clause)} of one file's comments; a clause without an RFC is of its header's first RFC."""
    header = path[:-3] + ".h" if path.endswith(".cc") else path
    first = re.search(r"RFC (\d+)", read(header)[:600]) if os.path.exists(header) else None
    default, found = first[1] if first else "6455", set()
    # An RFC holds until another is named, or until the end of the comment.
    comments = "".join("\n" + line.strip()[2:] if line.strip().startswith("//")
                       else "\0" + line.partition("//")[2] for line in read(path).split("\n"))
    for comment in comments.split("\0"):
        rfc = default
        for part in re.finditer(r"RFC\s+(\d+)|(WHATWG|TAOCP|System V|PROXY protocol)|" + CLAUSE, comment):
            if part[3]:
                found.add((rfc, part[3]))
            else:
                rfc = part[1] or "other"
    return found


def clauses(rfc):
    def make(lines, _build):
        named, tests = {}, {}
        for path in sorted(sources() + glob.glob("include/wsd/*.h")):
            for number, clause in clauses_of_source(path):
                if number == rfc:
                    named.setdefault(clause, []).append(path)
        for path in sorted(glob.glob("tests/**/*_test.cc", recursive=True)):
            text = read(path)
            for number, clause in re.findall(r"\bRfc(\d+)_(\d+(?:_\d+)*)_", text):
                if number == rfc:
                    tests.setdefault(clause.replace("_", "."), []).append(path)
            for number, clause in re.findall(r"RFC (\d+) " + CLAUSE, text):
                if number == rfc:
                    tests.setdefault(clause, []).append(path)
        # The items of a clause, as tests count them, are the clause's.
        for clause in list(tests):
            parent = clause.rpartition(".")[0]
            if clause not in named and parent in named:
                tests.setdefault(parent, []).extend(tests.pop(clause))
        # A clause that is named as a whole asks for what its parts ask for.
        for clause in named:
            parts = [path for each in tests if each.startswith(clause + ".") for path in tests[each]]
            if parts and clause not in tests:
                tests[clause] = parts
        kept, rows = Kept(lines, 1), []

        def links(paths):
            paths = sorted(set(paths))
            stems = {}
            for path in paths:
                stems.setdefault(re.sub(r"\.(cc|h)$", "", path), path)
            return ", ".join(f"[{os.path.basename(stem)}](../{path})" for stem, path in stems.items())

        for clause in sorted({*named, *tests}, key=lambda each: [int(n) for n in each.split(".")]):
            key = f"§{clause}"
            rows.append([key, links(named.get(clause, [])), links(tests.get(clause, [])), kept.of(key)])
        return table(["clause", "source", "tests", "requirement"], rows), kept.missing

    return make


MAKERS = {"flags": flags, "limits": limits, "constants": constants, "atomics": atomics, "threads": threads,
          "events": events, "metrics": metrics, "close causes": close_causes,
          **{f"fields of {event}": fields_of(event) for event in OWN_TABLES},
          **{f"clauses of RFC {rfc}": clauses(rfc) for rfc in RFCS}}


def make(name, lines, build):
    """(the lines of the table, names of rows in which a hand-written cell is missing)"""
    return MAKERS[name](lines, build)
