"""Puts the tables of a run, and what is said in sentences, into a page, docs/performance.md or README.md, between its markers.

    bench/page.py bench/results.json docs/performance.md
    bench/page.py --check bench/results.json docs/performance.md     exit code 1 if the page shows something else

A block begins with `<!-- bench: NAME -->` and ends with `<!-- end -->`; what stands between is written anew.
"""

import argparse
import json
import pathlib
import re
import sys

import tables

BLOCK = re.compile(r"<!-- bench: ([^>]*?) -->\n.*?<!-- end -->", re.DOTALL)


def filled(page, results):
    """The page with every block written from the results. Raises KeyError for a block of a part that was not measured."""
    blocks = {name: tables.as_markdown(table) for name, table in tables.blocks_of(results).items()} | tables.sentences_of(results)
    return BLOCK.sub(lambda block: f"<!-- bench: {block[1]} -->\n{blocks[block[1]]}\n<!-- end -->", page)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    before = arguments.page.read_text()
    after = filled(before, json.loads(arguments.results.read_text()))
    if arguments.check:
        sys.exit(f"{arguments.page} does not show {arguments.results}" if after != before else 0)
    arguments.page.write_text(after)


if __name__ == "__main__":
    main()
