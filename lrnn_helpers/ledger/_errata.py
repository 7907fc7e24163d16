"""The errata as data, ordered by consequence: for the book's pages, the letter and ``errata.yml``."""

from __future__ import annotations

from lrnn_helpers._validation import extra
from lrnn_helpers.ledger._book import ERRATA, errata

NONE = "none"  # what an erratum's `conclusion` says where no conclusion of the paper changes


def entries(rows, records):
    """Every error that a check bears out, one dict an entry: those first that change a conclusion of the paper.

    Among these, and among the others, follow: wrong, right under a condition that the paper lacks, slip; then the
    main text before the appendices, and the ledger's order.

    Returns
    -------
    list of dict
        ``id`` and ``rows`` (the row where the error begins, and all through which it runs), ``section``, ``chapters``,
        ``kind``, ``changes`` (bool), ``conclusion``, ``consequence``, ``forms`` (``id``, ``printed``, ``corrected`` of
        each row that has them) and ``evidence`` (the records).
    """
    heads, found = errata(rows), []
    for head, row in rows.items():
        erratum = row.get("erratum", {})
        members = [id for id, of in heads.items() if of == head]
        evidence = [record for record in records if set(members) & set(record["ids"]) and "printed" in record]
        if "kind" not in erratum or not evidence:
            continue
        forms = [
            {
                "id": id,
                "printed": rows[id].get("latex", ""),
                "corrected": rows[id].get("erratum", {}).get("corrected", ""),
            }
            for id in members
        ]
        conclusion = " ".join(erratum.get("conclusion", NONE).split())
        found.append(
            {
                "id": head,
                "rows": members,
                "section": row["section"],
                "chapters": list(dict.fromkeys(rows[id]["chapter"] for id in members)),
                "kind": erratum["kind"],
                "changes": conclusion != NONE,
                "conclusion": conclusion,
                "consequence": " ".join(erratum["consequence"].split()),
                "forms": [
                    {key: text.strip() for key, text in form.items() if text}
                    for form in forms
                    if form["printed"] or form["corrected"]
                ],
                "evidence": evidence,
            }
        )
    order = [kind for kind in ("substantive", "condition", "slip") if kind in ERRATA]
    return sorted(found, key=lambda e: (not e["changes"], order.index(e["kind"]), e["section"][:1].isalpha()))


def errata_yaml(rows, records):
    """The entries as the text of a YAML file, where a record is the line that its check printed."""
    with extra("ledger"):
        import yaml

    found = [
        e | {"evidence": [record["text"].split("  ", 1)[1] for record in e["evidence"]]} for e in entries(rows, records)
    ]
    head = "# Written by `python -m lrnn_helpers.ledger errata` from ledger.yml and what the notebooks recorded.\n"
    return head + yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=110)
