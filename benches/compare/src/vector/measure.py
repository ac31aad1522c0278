"""The suite `vector` for sqlite-vec: python3 measure.py FOLDER.

Reads vectors.f32, queries.f32 and topics.txt, prints a line a measure. A virtual table `vec0` with
the cosine distance and a metadata column for the topic; the answers' checksum is that of the other
systems.
"""

import json
import sqlite3
import sys
import time
from pathlib import Path

import sqlite_vec

DIMENSION = 384
HITS = 10
TOPICS = 10
MASK = (1 << 64) - 1


def mix(total, value):
    mixed = ((total ^ value) * 0x100000001B3) & MASK
    return ((mixed << 17) | (mixed >> 47)) & MASK


def answer(rows):
    last = 1 - rows[-1][1] if rows else 0.0
    total = len(rows)
    for number, distance in rows:
        if 1 - distance > last + 1e-5:
            total = (total + mix(0, number)) & MASK
    return total


def chunks(path):
    width = 4 * DIMENSION
    data = path.read_bytes()
    return [data[at : at + width] for at in range(0, len(data), width)]


def measure(name, queries, ask):
    times, total = [], 0
    for timed in (False, True):
        for number, query in enumerate(queries):
            start = time.perf_counter_ns()
            rows = ask(number, query)
            micros = (time.perf_counter_ns() - start) / 1e3
            if timed:
                times.append(micros)
                total = mix(total, answer(rows))
    times.sort()
    value = times[int((len(times) - 1) * 0.5)]
    line = {"measure": name, "value": value, "n": len(times), "check": f"{total:016x}"}
    print(json.dumps(line), flush=True)


def main():
    folder = Path(sys.argv[1])
    database = sqlite3.connect(folder / "vectors.db")
    database.enable_load_extension(True)
    sqlite_vec.load(database)
    database.execute(
        f"create virtual table items using vec0("
        f"embedding float[{DIMENSION}] distance_metric=cosine, topic integer)"
    )
    topics = [int(line) for line in (folder / "topics.txt").read_text().split()]
    rows = zip(chunks(folder / "vectors.f32"), topics)
    with database:
        database.executemany(
            "insert into items(rowid, embedding, topic) values (?, ?, ?)",
            ((number, vector, topic) for number, (vector, topic) in enumerate(rows, 1)),
        )
    queries = chunks(folder / "queries.f32")
    select = "select rowid, distance from items where embedding match ? and k = ?"

    def exact(_, query):
        return database.execute(select + " order by distance", (query, HITS)).fetchall()

    def filtered(number, query):
        statement = select + " and topic = ? order by distance"
        return database.execute(statement, (query, HITS, number % TOPICS)).fetchall()

    measure("exact10_p50", queries, exact)
    measure("filtered_vector10_p50", queries, filtered)


if __name__ == "__main__":
    main()
