"""How long each table is kept, why, and what deletes its rows: one class for every table.

The tables are named here and not beside their columns, so that the whole can be read and printed at
once; a test walks the metadata and fails for a table without a class or a class without a table.
`docs/retention.md` is written from this. What can be deleted safely without anybody's word is
deleted daily by ``server.retention``; everything else needs an entry, or a person.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "FRESHNESS_WHOLE_DAYS",
    "REQUESTS_DAYS",
    "RETENTION",
    "RETENTION_CLASSES",
    "Retention",
    "retention_markdown",
]

REQUESTS_DAYS = 400
"""Days after which the first answer to a write may be forgotten."""

FRESHNESS_WHOLE_DAYS = 400
"""Days for which every row of `freshness` is kept; older ones are thinned to one an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A retention class.

    Attributes:
        name: its code.
        period_zh: how long, with the unit, in Chinese.
        period_en: the same in English.
        reason_zh: why.
        reason_en: the same in English.
        ended_zh: what deletes the rows.
        ended_en: the same in English.
    """

    name: str
    period_zh: str
    period_en: str
    reason_zh: str
    reason_en: str
    ended_zh: str
    ended_en: str


_LOG = Retention(
    name="LOG",
    period_zh="永久",
    period_en="for ever",
    reason_zh="日志是唯一的依据；条目不含个人信息，删去一条则全部证明失效。",
    reason_en="Logs are the truth; entries hold no personal data, and without one no proof holds.",
    ended_zh="不删除。",
    ended_en="Nothing deletes it.",
)
_PROJECTION = Retention(
    name="PROJECTION",
    period_zh="与其日志相同",
    period_en="as long as its log",
    reason_zh="由日志推算，可随时重建。",
    reason_en="Worked out from a log, and made anew from it at any time.",
    ended_zh="重建时删去并重算（deltacare node rebuild）。",
    ended_en="A rebuild deletes and makes it anew (deltacare node rebuild).",
)
_EVIDENCE = Retention(
    name="EVIDENCE",
    period_zh="永久",
    period_en="for ever",
    reason_zh="签名、联签与分叉证据，多年后仍须能证明当时所见。",
    reason_en="Signatures and proofs of forks must show what was seen, years later.",
    ended_zh="不删除。",
    ended_en="Nothing deletes it.",
)
_REQUESTS = Retention(
    name="REQUESTS",
    period_zh=f"{REQUESTS_DAYS} 天",
    period_en=f"{REQUESTS_DAYS} days",
    reason_zh="同一请求号的重复调用得到首次答复；长于一年，年度重报也不会重复生效。",
    reason_en="A repeated request gets its first answer; longer than a year, so that what is sent "
    "again once a year is still noticed.",
    ended_zh="节点每日自动删除；删除个人信息时，其中供比对的校验值即刻作废。",
    ended_en="The node deletes them daily; when a person is erased, what their content is compared "
    "by is blinded at once.",
)
_FRESHNESS = Retention(
    name="FRESHNESS",
    period_zh=f"{FRESHNESS_WHOLE_DAYS} 天内全部保留，之后每小时保留一条",
    period_en=f"every row for {FRESHNESS_WHOLE_DAYS} days, then one an hour",
    reason_zh="按过去时刻（known_time）核验须知当时各日志有多新；"
    "稀疏后对更早时刻所示的龄期最多偏大一小时，只会更严。",
    reason_en="A check for a past moment (known_time) needs to know how fresh each log was then; "
    "when thinned, the age shown is at most an hour more, never less.",
    ended_zh="节点每日自动稀疏。",
    ended_en="The node thins them daily.",
)
_PERSONAL = Retention(
    name="PERSONAL",
    period_zh="至删除为止；最后一张证书终止 3 年后应予删除",
    period_en="until erased; due 3 years after the last certificate ended",
    reason_zh="为核对持证人与办理认证所必需（个人信息保护法第十九条：最短必要时间）。",
    reason_en="Needed to compare holders and to certify (Personal Information Protection Law, "
    "art. 19: no longer than needed).",
    ended_zh=(
        "由人决定：deltacare personal erase，事由 RETENTION_ENDED 或 REQUESTED；"
        "持证人受禁入措施期间不予删除（P08，个人信息保护法第四十七条：处理目的尚未实现）。"
    ),
    ended_en=(
        "A person decides: deltacare personal erase, with RETENTION_ENDED or REQUESTED; not while "
        "a measure bars the holder (P08; art. 47: the purpose is not achieved yet)."
    ),
)
_SECRET = Retention(
    name="SECRET",
    period_zh="至持证人信息删除为止",
    period_en="until the holder is erased",
    reason_zh="没有盐值，日志中的摘要无法与姓名比对。",
    reason_en="Without the salt, the digest in the log can be compared with no name.",
    ended_zh="发证省的 Erased 条目，在每个节点入库时即删。",
    ended_en="The issuer's Erased entry, at each node in the transaction that stores it.",
)
_PSEUDONYM = Retention(
    name="PSEUDONYM",
    period_zh="永久",
    period_en="for ever",
    reason_zh="同一老人在同一接收省须始终为同一假名，否则重复享受无从发现；只存带密钥的校验值。",
    reason_en="An elder keeps one pseudonym at a host, or double claims go unseen; only keyed "
    "digests are stored.",
    ended_zh="不删除；换用 code 密钥即全部失效。",
    ended_en="Nothing deletes it; another code key makes all of it void.",
)
_ELDER = Retention(
    name="ELDER",
    period_zh="至老人信息删除为止；未留身份证号者永久",
    period_en="until the elder is erased; for ever where no identity number is kept",
    reason_zh="同一老人在各接收省的假名、在各户籍省的标签须能对应，否则重复享受无从发现；"
    "身份证号本身存于个人信息库（personal_values）。",
    reason_en="An elder's pseudonyms with hosts and tags with other homes must be known as one "
    "elder's, or double claims go unseen; the identity number itself is in personal_values.",
    ended_zh="删除该人（deltacare personal erase）的同一事务解除对应；标签于下次日切收回后删除。",
    ended_en="The transaction that erases the person (deltacare personal erase) undoes the links; "
    "the tags go at the next day close, which takes them back.",
)
_FOUND = Retention(
    name="FOUND",
    period_zh="至下次日切得出不同结果为止",
    period_en="until a day close finds otherwise",
    reason_zh="日切所见的重复享受及已查到何处；不在日志中，备份保留。",
    reason_en="What day closes found of overlaps, and how far they looked; in no log, kept by "
    "backups.",
    ended_zh="其后的日切。",
    ended_en="A later day close.",
)
_QUEUE = Retention(
    name="QUEUE",
    period_zh="至处理完毕",
    period_en="until it is dealt with",
    reason_zh="待办事项，重启后仍须继续。",
    reason_en="Work that is owed, and goes on after a restart.",
    ended_zh="处理完毕即由节点删除。",
    ended_en="The node deletes it when it is done.",
)

_CACHE = Retention(
    name="CACHE",
    period_zh="至有更新者为止",
    period_en="until there is a newer one",
    reason_zh="伙伴失联时仍可使用，并标明其龄期；不含个人信息。",
    reason_en="Of use while a partner is gone, with its age; it holds no personal data.",
    ended_zh="较新者取而代之。",
    ended_en="The newer one takes its place.",
)

_WATCH = Retention(
    name="WATCH",
    period_zh="至订阅方更改或清空名单为止",
    period_en="until whoever watches replaces or empties the list",
    reason_zh="关注的证书有变化时须通知订阅方；名单不入日志，只存证书编号，不存姓名。",
    reason_en="Whoever watches is told of every change; a list is in no log, and holds numbers of "
    "certificates and no name.",
    ended_zh="订阅方以新名单取代（PutWatchList），空名单即全部删除。",
    ended_en="PutWatchList replaces it; an empty list deletes it.",
)

_DRAFT = Retention(
    name="DRAFT",
    period_zh="永久；含个人信息的内容至通过、退回或撤回为止",
    period_en="for ever; content that holds values of persons until filed, rejected or withdrawn",
    reason_zh="何人经办、何人复核、复核的是什么，须与会计资料同样可查；内容加密存储。",
    reason_en="Who made, who reviewed and what was reviewed must be shown as long as the books "
    "are; content is sealed at rest.",
    ended_zh="含个人信息的内容由通过、退回或撤回的同一事务删除，随后清除数据库文件中的残留。",
    ended_en="The transaction that files, rejects or withdraws it deletes content that holds "
    "values of persons; the database's files are wiped after it.",
)

RETENTION_CLASSES = (
    _LOG,
    _PROJECTION,
    _EVIDENCE,
    _REQUESTS,
    _FRESHNESS,
    _PERSONAL,
    _SECRET,
    _PSEUDONYM,
    _ELDER,
    _FOUND,
    _QUEUE,
    _CACHE,
    _WATCH,
    _DRAFT,
)

_TABLES: Mapping[Retention, tuple[str, ...]] = {
    _LOG: ("log_runs", "log_tiles", "logs"),
    _PROJECTION: (
        "approval_duty",
        "approval_keys",
        "audit_anchors",
        "audit_subjects",
        "books_month_closes",
        "certification_certificates",
        "certification_equivalence_ends",
        "certification_equivalences",
        "certification_events",
        "certification_recognition_answers",
        "certification_recognitions",
        "certification_schemes",
        "credential_keys",
        "credential_status_lists",
        "dispute_raised",
        "dispute_word",
        "payment_advance",
        "payment_order",
        "payment_report",
        "payment_terms",
        "personal_erasures",
        "policy_budgets",
        "policy_policies",
        "registry_agreement_words",
        "registry_agreements",
        "registry_claims",
        "registry_closings",
        "registry_institutions",
        "registry_listing_proposals",
        "registry_listing_withdrawals",
        "registry_listings",
        "settlement_cleared",
        "settlement_consumed",
        "settlement_clawback",
        "settlement_day_close",
        "settlement_enrolment",
        "settlement_enrolment_end",
        "settlement_hold",
        "settlement_night",
        "settlement_night_count",
        "settlement_night_leaf",
        "settlement_overlap_claim",
        "settlement_overlap_key",
        "settlement_pair_result",
        "settlement_record",
        "settlement_refusal",
        "settlement_reversal",
        "settlement_reversal_proposal",
        "settlement_statement",
        "settlement_statement_answer",
        "settlement_statement_drawdown",
        "settlement_statement_result",
        "supervision_inspections",
        "supervision_lifts",
        "supervision_measures",
        "supervision_reports",
        "void_entries",
    ),
    _EVIDENCE: (
        "checkpoints",
        "cosignatures",
        "evidence",
        "submissions",
        "suite_lines",
    ),
    _REQUESTS: ("requests",),
    _FRESHNESS: ("freshness",),
    _PERSONAL: (
        "personal_holdings",
        "personal_persons",
        "personal_requests",
        "personal_values",
    ),
    _SECRET: ("certification_salts",),
    _PSEUDONYM: ("settlement_enrolment_code", "settlement_pseudonym"),
    _ELDER: ("settlement_elder", "settlement_overlap_tag"),
    _FOUND: (
        "settlement_overlap",
        "settlement_overlap_state",
    ),
    _QUEUE: ("personal_scrubs", "settlement_overlap_due"),
    _CACHE: ("credential_partner_tokens",),
    _WATCH: ("certification_watched",),
    _DRAFT: ("review_drafts",),
}

RETENTION: Mapping[str, Retention] = MappingProxyType(
    {table: each for each, tables in _TABLES.items() for table in tables}
)
"""The class of each table, by its name."""

_HEAD = """# Retention · 保留期限

How long a node keeps each table, why, and what deletes its rows. Written from
`server/store/retention.py` (`python -m server.store.retention > docs/retention.md`); a test
compares. 各表的保留期限、理由与删除方式；本文由程序生成，并由测试核对。

"""

_TAIL = """
## What an erasure leaves · 删除之后还剩什么

`deltacare personal erase` destroys, in one transaction with its entry: the person's values, its
key, its links to certificates, the salts of those certificates at every node, and what repeated
requests that held the values are compared by.

一次删除在同一事务内销毁：个人信息的值、其密钥、与证书的关联、各节点上这些证书的盐值，
以及曾含这些值的请求的比对校验值。

- **SQLite.** Deleted bytes are overwritten (`secure_delete`), and the write-ahead log is emptied
  within a second once nobody reads an older snapshot.
  预写日志在无人读取旧快照后一秒内清空。
- **PostgreSQL.** The tables are written anew within a minute (`VACUUM FULL`), once no older
  snapshot is in use. Its own write-ahead log is the server's: it keeps the sealed values, the
  wrapped key and the keyed mark of the identity number until its segments are recycled (after a
  checkpoint, by `max_wal_size`), and so do archived segments, the logs of its replicas, and base
  backups made before. They open only under the node's vault key, which is in none of them, and
  without it no number can be tried against a mark. Where that is not enough:
  `CHECKPOINT; SELECT pg_switch_wal();`, and delete older archives.
  预写日志、归档与此前的备份在循环或删除之前仍含密文，
  只有本节点的 vault 密钥能解，而该密钥不在其中。
- **Backups made before** hold what was there then. A node that is restored from one takes its own
  `Erased` entries back from its partners before it writes, and destroys the values again by them.
  The tags in the entries find also who got a certificate after the backup, or never had one. Keep
  backups no longer than you must.
  由旧备份恢复的节点先从伙伴取回自己的 Erased 条目并再次删除；
  条目中的随机标签使备份之后才取得证书者和从未持证者也能找到。
- **Freed blocks** of the file system and of the disk are not the database's: encrypt the disk.
  文件系统与磁盘的空闲块须靠磁盘加密。
- **For good** remain: the digest in the certificate's entry, which nobody can compare without the
  salt; the opaque reference in the audit log, beside purpose, basis and names of fields; the entry
  that says that the holder was erased.
  永久保留：证书条目里的摘要（无盐值则无从比对）、审计日志中的内部编号，以及“已删除”的声明。
"""


def retention_markdown() -> str:
    """Return the document about retention, whole."""
    lines = [
        _HEAD,
        "| class · 类别 | period · 期限 | reason · 理由 | what deletes it · 删除方式 |",
        "\n|---|---|---|---|\n",
    ]
    lines += [
        f"| `{each.name}` | {each.period_en}<br>{each.period_zh} | "
        f"{each.reason_en}<br>{each.reason_zh} | {each.ended_en}<br>{each.ended_zh} |\n"
        for each in RETENTION_CLASSES
    ]
    lines.append("\n## Tables · 各表\n\n| table · 表 | class · 类别 |\n|---|---|\n")
    lines += [f"| `{table}` | `{RETENTION[table].name}` |\n" for table in sorted(RETENTION)]
    return "".join([*lines, _TAIL])


if __name__ == "__main__":
    sys.stdout.write(retention_markdown())
