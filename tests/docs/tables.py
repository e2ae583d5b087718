"""Tables of docs/*.md that are made from the code: what stands between

  <!-- made: NAME -->
  <!-- end of what is made -->

Some have a last column that is written by hand; it is kept, by the row's first cells, and must not be
empty. See check, which calls this.
"""
import glob
import os
import re
import subprocess


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return [row(head), "|" + "---|" * len(head)] + [row(each) for each in rows]


def cells_of(line):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


class Kept:
    """The hand-written last cells of a table as it stands, by its first `keys` cells."""

    def __init__(self, lines, keys):
        rows = [cells_of(line) for line in lines if line.startswith("|")][2:]
        self.keys = keys
        self.text = {tuple(each[:keys]): each[-1].replace("|", "\\|") for each in rows}
        self.missing = []

    def of(self, *key):
        text = self.text.get(key, "")
        if not text:
            self.missing.append(" ".join(key))
        return text


# Limits


def limits(lines, build):
    """Each flag whose default is a number, but for those that bound nothing."""
    no_limits = {"reactors", "deflate-level", "deflate-threshold", "log-level", "write-buffer", "notsent-lowat"}
    options = {}
    for path in sorted(glob.glob("src/wsd/*.cc")):
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
    return table(["flag", "`ServerOptions`", "default", "bounds", "at it"], rows), kept.missing


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
    return table(["where", "value", "at it"], rows), kept.missing + missing


# Atomics

OPERATION = r"(?:\.|->)(load|store|exchange|fetch_\w+|compare_exchange_\w+|wait|notify_\w+)\("


def atomics(lines, _build):
    """Each std::atomic member of src/ with the operations on it and their orders."""
    texts = {path: re.sub(r"//[^\n]*", "", read(path)) for path in sorted(glob.glob("src/*/*.[ch]*"))}
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
                where += ["src/server/upgrade.cc", "src/server/stats.cc"]
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
        sources, tests = {}, {}
        for path in sorted(glob.glob("src/*/*.[ch]*") + glob.glob("include/wsd/*.h")):
            for number, clause in clauses_of_source(path):
                if number == rfc:
                    sources.setdefault(clause, []).append(path)
        for path in sorted(glob.glob("tests/*/*_test.cc")):
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
            if clause not in sources and parent in sources:
                tests.setdefault(parent, []).extend(tests.pop(clause))
        # A clause that is named as a whole asks for what its parts ask for.
        for clause in sources:
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

        for clause in sorted({*sources, *tests}, key=lambda each: [int(n) for n in each.split(".")]):
            key = f"§{clause}"
            rows.append([key, links(sources.get(clause, [])), links(tests.get(clause, [])), kept.of(key)])
        return table(["clause", "source", "tests", "what is done"], rows), kept.missing

    return make


MAKERS = {"limits": limits, "constants": constants, "atomics": atomics, "threads": threads,
          **{f"clauses of RFC {rfc}": clauses(rfc) for rfc in RFCS}}


def make(name, lines, build):
    """(the lines of that table as the code has them, names of rows that want a hand)"""
    return MAKERS[name](lines, build)
