"""What came of alerts feeds the lab: the file of labels is the table that its recipe reads."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from random import Random

from alarms import TABLES, raised
from worlds import DAY, at, open_line

from whiteslip import watch
from whiteslip.lab import fit, load_recipe, read_table
from whiteslip.store import Database
from whiteslip.watch.acts import TABLE

NOON = at(DAY)


def test_labelled_alerts_are_a_table_that_the_lab_reads_and_fits(db: Database, tmp_path: Path):
    recipe = load_recipe("alerts")
    assert list(recipe.facts) == list(TABLES[TABLE].contract.facts), "what a monitor sees, and nothing else"
    for n, (rule, right) in enumerate((("bust_out", True), ("jump", False))):
        alert = raised(db, open_line(db), NOON, rule)
        with db.transaction() as tx:
            watch.acknowledge(tx, alert.id, "desk", NOON)
            watch.label(tx, alert.id, right, "desk", NOON + timedelta(minutes=n))
    with db.transaction() as tx:
        rows = watch.labelled_facts(tx)
    assert [row["right"] for row in rows] == [1, 0]
    dice = Random(5)
    for n in range(300):
        z = dice.randrange(-100, 900)
        told = {"right": int(dice.random() * 1_000 < z), "velocity_24h_z_centi": z, "reference": f"AL-{n}"}
        rows.append(rows[0] | told | {"happened_at": (NOON + timedelta(hours=n)).isoformat()})
    path = tmp_path / "labels.csv"
    with path.open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    table = read_table(path, recipe)
    assert (table.read, table.left_out) == (302, 0)
    assert table.unseen[-1], "the latest alarms are those that were not seen"
    assert not table.unseen[0]
    assert fit(table, recipe, "scorecard", folds=2).model.columns == ["velocity_24h_z_centi"]
