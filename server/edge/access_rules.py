"""The table of rights: numbered rules as data, each naming who may call what, and what for.

A rule lets in the roles that it names, of callers of one organisation, to its methods, all of which
touch one class of records; where the class is personal, a purpose must be given. What no rule names
is denied. A number never changes its meaning; a rule that goes leaves its number unused.

Of the business a province's own people and systems ask their own node; another province's node
comes as ``peer`` and gets what peers exchange. Administrators keep a node running and see no
business. A check of a certificate compares a name that the caller brings and tells nothing of the
holder, so it is no disclosure. Nothing here decides: see ``server.edge.rights``.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from deltacare.purposes import Purpose

__all__ = ["ACCESS_RULES", "NOT_NAMED", "AccessRule", "Organisation", "RecordClass", "Role"]


class Role(enum.StrEnum):
    """What a caller is, as its certificate says."""

    SYSTEM = "system"
    """A province's civil-affairs system; names maker and reviewer of what it writes."""
    OPERATOR = "operator"
    """Staff of an institution: asks whether a certificate is good."""
    CLERK = "clerk"
    """Finance staff: reads records and discrepancies, runs the night."""
    REVIEWER = "reviewer"
    """Finance staff who approve what others made."""
    PAYER = "payer"
    """Pays what a binding statement says."""
    AUDITOR = "auditor"
    """Reads everything but who an elder is, writes nothing."""
    PEER = "peer"
    """Another province's node."""
    ADMINISTRATOR = "administrator"
    """Keeps the node running."""


class Organisation(enum.StrEnum):
    """Whose caller it is, seen from the node."""

    OWN = "OWN"
    """Of the province whose node it is."""
    PARTNER = "PARTNER"
    """Of another member."""


class RecordClass(enum.Enum):
    """What kind of records a method touches; the value is its name in Chinese and English."""

    PUBLIC = ("节点的公开信息", "public facts of the node")
    FEDERATION = ("联盟签署的声明", "the federation's signed statement")
    OPERATIONS = ("节点与伙伴的运行状态", "how the node and its partners run")
    LOGS = ("日志与证明", "logs and their proofs")
    REGISTRY = ("名录、名单与协议", "registers, listings and agreements")
    CERTIFICATION = ("证书与互认", "certificates and recognition")
    SUPERVISION = ("联动监管", "supervision across provinces")
    SETTLEMENT = ("政策、备案与结算记录", "policies, enrolments and settlement records")
    CLEARING = ("夜间对账与清算单", "nights and statements")
    PERSONAL = ("个人信息", "personal data")

    @property
    def zh(self) -> str:
        """Its name in Chinese."""
        return self.value[0]

    @property
    def en(self) -> str:
        """Its name in English."""
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """One rule that lets callers in.

    Attributes:
        code: Its number, such as ``E05``.
        organisation: Whose callers.
        roles: Which of them.
        record_class: What its methods touch.
        methods: Full names, such as ``/deltacare.v1.LogService/GetReceipt``.
        purposes: Of which one must be given; empty if none is asked for.
        zh: What it says, in Chinese.
        en: What it says, in English.
    """

    code: str
    organisation: Organisation | None
    roles: frozenset[Role]
    record_class: RecordClass | None
    methods: tuple[str, ...]
    purposes: frozenset[Purpose]
    zh: str
    en: str


NOT_NAMED = AccessRule(
    code="E00",
    organisation=None,
    roles=frozenset(),
    record_class=None,
    methods=(),
    purposes=frozenset(),
    zh="规则表未列明的，一律拒绝。",
    en="What no rule names is denied.",
)
"""The rule by which calls are denied."""

_PACKAGE = "deltacare.v1"
_STANDARD = (
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.health.v1.Health/List",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)

_ALL_OWN = frozenset(Role) - {Role.PEER}
_BUSINESS = _ALL_OWN - {Role.ADMINISTRATOR}
_CHECKING = _BUSINESS - {Role.PAYER}
_FINANCE = frozenset({Role.SYSTEM, Role.CLERK, Role.REVIEWER, Role.AUDITOR})
_PAYMENT = _FINANCE | {Role.PAYER}
_NIGHT = frozenset({Role.SYSTEM, Role.CLERK, Role.REVIEWER})
_REVIEWED = frozenset({Role.SYSTEM, Role.REVIEWER})
_SYSTEM = frozenset({Role.SYSTEM})
_SYSTEM_AUDITOR = frozenset({Role.SYSTEM, Role.AUDITOR})


def _of(service: str, *names: str) -> tuple[str, ...]:
    """Return the full names of methods of one of our services."""
    return tuple(f"/{_PACKAGE}.{service}/{name}" for name in names)


def _own(  # noqa: PLR0917 - a row of the table
    code: str,
    roles: frozenset[Role],
    record_class: RecordClass,
    methods: tuple[str, ...],
    zh: str,
    en: str,
    *,
    purposes: Iterable[Purpose] = (),
) -> AccessRule:
    """Return a rule for callers of the node's own province."""
    return AccessRule(
        code=code,
        organisation=Organisation.OWN,
        roles=roles,
        record_class=record_class,
        methods=methods,
        purposes=frozenset(purposes),
        zh=zh,
        en=en,
    )


def _peers(
    code: str,
    record_class: RecordClass,
    methods: tuple[str, ...],
    zh: str,
    en: str,
    *,
    purposes: Iterable[Purpose] = (),
) -> AccessRule:
    """Return a rule for the nodes of the other members."""
    return AccessRule(
        code=code,
        organisation=Organisation.PARTNER,
        roles=frozenset({Role.PEER}),
        record_class=record_class,
        methods=methods,
        purposes=frozenset(purposes),
        zh=zh,
        en=en,
    )


_OPEN = (
    *_STANDARD,
    *_of("FederationService", "ListMembers", "WhoAmI", "ExplainAccess", "Ping"),
)
_LOG_READS = _of(
    "LogService",
    "GetCheckpoint",
    "ReadEntries",
    "GetInclusionProof",
    "GetConsistencyProof",
    "GetReceipt",
    "WatchCheckpoints",
)
_LOG_LISTS = _of("LogService", "ListLogs", "ListEvidence", "ListTouched")
_TRUST_READS = _of("FederationService", "GetTrustFile", "GetTrustStatus")
_RESOLVE = _of("SettlementService", "ResolveEnrolment")

ACCESS_RULES: tuple[AccessRule, ...] = (
    # --- The node -----------------------------------------------------------------------------
    _own(
        "E01",
        _ALL_OWN,
        RecordClass.PUBLIC,
        _OPEN,
        "本省任何角色可查看节点是否在运行、成员名单、自身身份与权限。",
        "Any role of the own province sees whether the node runs, who the members are, and who "
        "it is and may do itself.",
    ),
    _peers(
        "E02",
        RecordClass.PUBLIC,
        _OPEN,
        "他省节点可查看节点是否在运行、成员名单、自身身份与权限。",
        "A partner's node sees whether the node runs, who the members are, and who it is and may "
        "do itself.",
    ),
    _own(
        "E03",
        _FINANCE | {Role.ADMINISTRATOR},
        RecordClass.OPERATIONS,
        _of("FederationService", "ListPartnerHealth"),
        "系统、财务人员、稽核与管理员可查看各伙伴节点的状态。",
        "Systems, finance staff, auditors and administrators see how the partners are.",
    ),
    # --- Logs ---------------------------------------------------------------------------------
    _own(
        "E04",
        _SYSTEM_AUDITOR | {Role.ADMINISTRATOR},
        RecordClass.LOGS,
        _LOG_LISTS,
        "系统、稽核与管理员可列出日志、分叉证据与受不良密钥影响的范围，不含条目内容。",
        "Systems, auditors and administrators list logs, evidence of forks and what bad keys "
        "touched, no entry of them.",
    ),
    _own(
        "E05",
        _SYSTEM_AUDITOR,
        RecordClass.LOGS,
        _LOG_READS,
        "本省系统与稽核可读取日志条目与证明；审计日志仅稽核可读。",
        "The own systems and auditors read entries and proofs; the audit log auditors only.",
    ),
    _peers(
        "E06",
        RecordClass.LOGS,
        (
            *_LOG_LISTS,
            *_LOG_READS,
            *_of("LogService", "ExchangeCheckpoints", "AddCosignature"),
        ),
        "他省节点可镜像并联签其有权持有的日志。",
        "A partner's node mirrors and cosigns the logs that it may hold.",
    ),
    _peers(
        "E07",
        RecordClass.PERSONAL,
        _of("LogService", "ReadEntries"),
        "他省节点为核对持证人，可随条目取得姓名摘要的盐值。",
        "A partner's node gets the salts of name digests beside entries, to compare holders.",
        purposes=(Purpose.HOLDER_CHECK,),
    ),
    # --- Registers ----------------------------------------------------------------------------
    _own(
        "E08",
        _SYSTEM,
        RecordClass.REGISTRY,
        _of(
            "RegistryService",
            "BatchUpsertInstitutions",
            "PublishListing",
            "WithdrawListing",
            "ProposeAgreement",
        ),
        "本省系统可登记机构、发布名单、提出协议。",
        "The own systems state institutions, publish listings and propose agreements.",
    ),
    _own(
        "E09",
        _REVIEWED,
        RecordClass.REGISTRY,
        _of("RegistryService", "AnswerAgreement"),
        "本省系统与复核人可答复协议。",
        "The own systems and reviewers answer agreements.",
    ),
    _own(
        "E10",
        _BUSINESS,
        RecordClass.REGISTRY,
        _of(
            "RegistryService",
            "GetInstitution",
            "BatchGetInstitutions",
            "ListInstitutions",
            "CountInstitutions",
            "ListListings",
            "ListAgreements",
        ),
        "除管理员外，本省各角色可查机构、名单与协议。",
        "Every role of the own province but administrators reads institutions, listings and "
        "agreements.",
    ),
    _own(
        "E11",
        _SYSTEM_AUDITOR,
        RecordClass.REGISTRY,
        _of("RegistryService", "WatchInstitutions"),
        "本省系统与稽核可持续接收名录变更。",
        "The own systems and auditors follow the registers as they change.",
    ),
    # --- Certificates -------------------------------------------------------------------------
    _own(
        "E12",
        _SYSTEM,
        RecordClass.CERTIFICATION,
        _of(
            "CertificationService",
            "IssueCertificates",
            "RenewCertificate",
            "PublishEquivalence",
            "EndEquivalence",
        ),
        "本省系统可发证、延期，可公布或终止互认规则。",
        "The own systems issue and renew certificates, and publish and end equivalences.",
    ),
    _own(
        "E13",
        _REVIEWED,
        RecordClass.CERTIFICATION,
        _of(
            "CertificationService",
            "SuspendCertificate",
            "ReinstateCertificate",
            "RevokeCertificate",
            "SuspendRecognition",
            "ResumeRecognition",
        ),
        "本省系统与复核人可暂停、恢复、撤销证书及对他省证书的认可。",
        "The own systems and reviewers suspend, reinstate and revoke certificates, and suspend and "
        "resume the recognition of others'.",
    ),
    _own(
        "E14",
        _CHECKING,
        RecordClass.CERTIFICATION,
        _of(
            "CertificationService",
            "GetCertificate",
            "ListCertificates",
            "CheckCertification",
            "ListEquivalences",
        ),
        "除付款人与管理员外，本省各角色可查证、核验证书。",
        "Every role of the own province but payers and administrators reads and checks "
        "certificates.",
    ),
    # --- Settlement ---------------------------------------------------------------------------
    _own(
        "E15",
        _SYSTEM,
        RecordClass.SETTLEMENT,
        _of("PolicyService", "PublishSubsidyPolicy"),
        "本省系统可公布补贴政策。",
        "The own systems publish subsidy policies.",
    ),
    _own(
        "E16",
        _PAYMENT,
        RecordClass.SETTLEMENT,
        (
            *_of("PolicyService", "ListSubsidyPolicies"),
            *_of("SettlementService", "ListDayCloses"),
        ),
        "系统、财务人员、付款人与稽核可查补贴政策与日切。",
        "Systems, finance staff, payers and auditors read policies and day closes.",
    ),
    _own(
        "E17",
        _SYSTEM,
        RecordClass.PERSONAL,
        _of("SettlementService", "CreateEnrolments"),
        "本省系统为办理备案，可由老人内部编号取得假名与登记码。",
        "The own systems get pseudonym and code of an elder by their own handle, to enrol.",
        purposes=(Purpose.ENROLMENT,),
    ),
    _own(
        "E18",
        _SYSTEM,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "EndEnrolment", "FileRecords"),
        "本省系统可终止备案、报送结算记录。",
        "The own systems end enrolments and file settlement records.",
    ),
    _own(
        "E19",
        _SYSTEM,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "FileReversals", "RefuseRecords", "PlaceHolds", "EndHolds"),
        "本省系统可冲正、拒绝、暂缓及解除暂缓；其他人经复核办理。",
        "The own systems reverse, refuse, hold back and end holds; people do so by review.",
    ),
    _own(
        "E20",
        _FINANCE,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "ListRecords"),
        "系统、财务人员与稽核可查结算记录。",
        "Systems, finance staff and auditors read settlement records.",
    ),
    _own(
        "E21",
        _NIGHT,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "CloseDay"),
        "系统与财务人员可办理日切。",
        "Systems and finance staff close dates.",
    ),
    _own(
        "E22",
        frozenset({Role.OPERATOR}),
        RecordClass.PERSONAL,
        _RESOLVE,
        "机构人员为安排入住，可凭老人出示的登记码查备案。",
        "Staff of institutions find an enrolment by the code that an elder shows, to place the "
        "elder in care.",
        purposes=(Purpose.CARE_PLACEMENT,),
    ),
    _own(
        "E23",
        _SYSTEM,
        RecordClass.PERSONAL,
        _RESOLVE,
        "本省系统为安排入住、结算或核实异议，可凭登记码查备案。",
        "The own systems find an enrolment by its code, to place in care, settle or examine a "
        "dispute.",
        purposes=(Purpose.CARE_PLACEMENT, Purpose.SETTLEMENT, Purpose.DISPUTE),
    ),
    _own(
        "E24",
        frozenset({Role.CLERK}),
        RecordClass.PERSONAL,
        _RESOLVE,
        "经办人为结算或核实异议，可凭登记码查备案。",
        "Clerks find an enrolment by its code, to settle or examine a dispute.",
        purposes=(Purpose.SETTLEMENT, Purpose.DISPUTE),
    ),
    _peers(
        "E25",
        RecordClass.PERSONAL,
        _RESOLVE,
        "他省节点可代其用户，按其目的凭登记码查备案。",
        "A partner's node finds an enrolment by its code for a caller of its own, for that "
        "caller's purpose.",
        purposes=(Purpose.CARE_PLACEMENT, Purpose.SETTLEMENT, Purpose.DISPUTE),
    ),
    # --- Clearing -----------------------------------------------------------------------------
    _own(
        "E26",
        _NIGHT,
        RecordClass.CLEARING,
        _of("ClearingService", "RunNight"),
        "系统与财务人员可运行夜间对账。",
        "Systems and finance staff run nights.",
    ),
    _own(
        "E27",
        _FINANCE,
        RecordClass.CLEARING,
        _of(
            "ClearingService",
            "ListLines",
            "CountLines",
            "CompareNights",
            "ListReversalProposals",
        ),
        "系统、财务人员与稽核可逐行查看对账结果。",
        "Systems, finance staff and auditors read nights line by line.",
    ),
    _own(
        "E28",
        _PAYMENT,
        RecordClass.CLEARING,
        _of("ClearingService", "ListPairNights", "GetStatement", "ListStatements"),
        "系统、财务人员、付款人与稽核可查夜间结果与清算单。",
        "Systems, finance staff, payers and auditors read the outcome of nights and statements.",
    ),
    _own(
        "E29",
        _REVIEWED | {Role.PAYER},
        RecordClass.CLEARING,
        _of("ClearingService", "ProposeStatement", "AnswerStatement"),
        "本省系统、复核人与付款人可提出并答复清算单。",
        "The own systems, reviewers and payers propose and answer statements.",
    ),
    _peers(
        "E30",
        RecordClass.CLEARING,
        _of("ClearingService", "ListNightLeaves"),
        "他省节点可取双方之间一夜的摘要，以比对差异。",
        "A partner's node gets the leaves of a night of the pair, to find where they differ.",
    ),
    # --- The federation -----------------------------------------------------------------------
    _own(
        "E31",
        _ALL_OWN,
        RecordClass.FEDERATION,
        _TRUST_READS,
        "本省任何调用者可取联盟签署的成员文件及其状态。",
        "Every own caller gets what the members signed, and how current it is.",
    ),
    _own(
        "E32",
        frozenset({Role.ADMINISTRATOR}),
        RecordClass.FEDERATION,
        _of("FederationService", "PublishTrust"),
        "管理员可把已由成员签署的文件交给节点。",
        "Administrators hand the node what the members have signed.",
    ),
    _peers(
        "E33",
        RecordClass.FEDERATION,
        (
            *_TRUST_READS,
            *_of("FederationService", "GetTimestampSignature"),
        ),
        "他省节点可交换联盟签署的成员文件，并取得每小时的时间戳签名。",
        "A partner's node exchanges what the members signed, and gets the signature of the hour.",
    ),
    # --- Registers: what others say, what is proposed ------------------------------------------
    _own(
        "E34",
        _SYSTEM,
        RecordClass.REGISTRY,
        _of("RegistryService", "BatchStateClaims", "ProposeListing"),
        "本省系统可登记其他来源的说法、提出名单。",
        "The own systems state what other sources claim, and propose listings.",
    ),
    _own(
        "E35",
        _BUSINESS,
        RecordClass.REGISTRY,
        _of(
            "RegistryService",
            "GetInstitutionHistory",
            "SearchInstitutions",
            "ListClaims",
            "ListDisagreements",
            "GetAgreementMatrix",
        ),
        "除管理员外，本省各角色可查机构沿革、检索机构、查看来源不一致与协议矩阵。",
        "Every role of the own province but administrators searches institutions and reads their "
        "history, disagreements of sources and the matrix of agreements.",
    ),
    # --- Schemes, answers, checks of many ------------------------------------------------------
    _own(
        "E36",
        _SYSTEM,
        RecordClass.CERTIFICATION,
        _of("CertificationService", "PublishScheme", "AddToCertificate"),
        "本省系统可公布证书类别、为证书补记培训与表彰。",
        "The own systems state schemes, and add training and awards to certificates.",
    ),
    _own(
        "E37",
        _REVIEWED,
        RecordClass.CERTIFICATION,
        _of("CertificationService", "AnswerRecognitionSuspension"),
        "本省系统与复核人可答复他省的暂停认可。",
        "The own systems and reviewers answer a host that suspended its recognition.",
    ),
    _own(
        "E38",
        _CHECKING,
        RecordClass.CERTIFICATION,
        _of(
            "CertificationService",
            "BatchCheckCertifications",
            "ListSchemes",
            "ListRecognitionSuspensions",
        ),
        "除付款人与管理员外，本省各角色可成批核验证书、查证书类别与暂停认可。",
        "Every role of the own province but payers and administrators checks rosters and reads "
        "schemes and suspensions of recognition.",
    ),
    _own(
        "E39",
        frozenset({Role.SYSTEM, Role.OPERATOR}),
        RecordClass.CERTIFICATION,
        _of("CertificationService", "PutWatchList", "ListWatchLists", "WatchCertificates"),
        "本省系统与机构人员可设关注名单并接收变更。",
        "The own systems and operators keep watch lists and are told of changes.",
    ),
    # --- Supervision ---------------------------------------------------------------------------
    _own(
        "E40",
        _REVIEWED,
        RecordClass.SUPERVISION,
        _of(
            "SupervisionService",
            "RecordInspection",
            "TakeMeasure",
            "ReportRectification",
            "LiftMeasure",
        ),
        "本省系统与复核人可登记检查、采取与解除监管措施。",
        "The own systems and reviewers state inspections, and take and lift measures.",
    ),
    _own(
        "E41",
        _CHECKING,
        RecordClass.SUPERVISION,
        _of("SupervisionService", "ListMeasures", "ListInspections"),
        "除付款人与管理员外，本省各角色可查检查与监管措施。",
        "Every role of the own province but payers and administrators reads inspections and "
        "measures.",
    ),
    # --- Personal values -----------------------------------------------------------------------
    _own(
        "E42",
        _SYSTEM,
        RecordClass.PERSONAL,
        _of("PersonalService", "PutPersonalData"),
        "本省系统为办理认证，可存入个人信息。",
        "The own systems put personal values into the vault, to certify.",
        purposes=(Purpose.CERTIFICATION,),
    ),
    _own(
        "E43",
        _REVIEWED,
        RecordClass.PERSONAL,
        _of("PersonalService", "DisclosePersonalData"),
        "本省系统与复核人为安置、核实异议、监管或应本人要求，可取得个人信息。",
        "The own systems and reviewers get personal values to place an elder, to examine a "
        "dispute, to supervise, or because the person asks.",
        purposes=(
            Purpose.CARE_PLACEMENT,
            Purpose.DISPUTE,
            Purpose.SUPERVISION,
            Purpose.SUBJECT_REQUEST,
        ),
    ),
    _peers(
        "E44",
        RecordClass.PERSONAL,
        _of("PersonalService", "CompareIdentity"),
        "他省节点为核对持证人，可请发证省比对身份证件号码。",
        "A partner's node has an identity number compared by the issuer, to compare holders.",
        purposes=(Purpose.HOLDER_CHECK,),
    ),
    _own(
        "E45",
        _SYSTEM_AUDITOR,
        RecordClass.PERSONAL,
        _of("PersonalService", "ListDisclosures"),
        "本省系统与稽核应本人要求或为核实异议，可查何人取得过其信息。",
        "The own systems and auditors read to whom a person's values were disclosed, because the "
        "person asks or to examine a dispute.",
        purposes=(Purpose.SUBJECT_REQUEST, Purpose.DISPUTE),
    ),
    _own(
        "E46",
        _REVIEWED,
        RecordClass.PERSONAL,
        _of("PersonalService", "ErasePersonalData"),
        "本省系统与复核人可删除个人信息。",
        "The own systems and reviewers erase personal values.",
        purposes=(Purpose.ERASURE,),
    ),
    # --- Certificates on phones ----------------------------------------------------------------
    _own(
        "E47",
        _SYSTEM,
        RecordClass.CERTIFICATION,
        _of("CredentialService", "PublishCredentialKey"),
        "本省系统可公布手机证书的签名公钥。",
        "The own systems state the key that signs certificates for phones.",
    ),
    _own(
        "E48",
        _SYSTEM,
        RecordClass.PERSONAL,
        _of("CredentialService", "IssueCredential"),
        "本省系统为办理认证，可取得含持证人姓名的手机证书。",
        "The own systems get the phone form of a certificate, which holds its holder's name.",
        purposes=(Purpose.CERTIFICATION,),
    ),
    _own(
        "E49",
        _CHECKING,
        RecordClass.CERTIFICATION,
        _of("CredentialService", "ListCredentialKeys", "GetStatusList", "GetOfflineBundle"),
        "除付款人与管理员外，本省各角色可取得离线核验所需的状态列表与公钥。",
        "Every role of the own province but payers and administrators gets what a check without a "
        "network needs.",
    ),
    _peers(
        "E50",
        RecordClass.CERTIFICATION,
        _of("CredentialService", "GetStatusList"),
        "他省节点可取得本省的状态列表。",
        "A partner's node gets the status lists.",
    ),
    # --- Budgets, and what waits for an answer -------------------------------------------------
    _own(
        "E51",
        _SYSTEM,
        RecordClass.SETTLEMENT,
        _of("PolicyService", "PublishBudget"),
        "本省系统可公布预算。",
        "The own systems publish budgets.",
    ),
    _own(
        "E52",
        _PAYMENT,
        RecordClass.SETTLEMENT,
        _of("PolicyService", "ListBudgets", "ComputeAmounts"),
        "系统、财务人员、付款人与稽核可查预算及其占用，并按政策计算金额。",
        "Systems, finance staff, payers and auditors read budgets and what is left of them, and "
        "compute amounts by policy.",
    ),
    _own(
        "E53",
        _FINANCE,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "JudgeInbox", "CompareTotals"),
        "系统、财务人员与稽核可查待办记录是否相符，并核对总数。",
        "Systems, finance staff and auditors see which waiting records fit, and compare totals.",
    ),
    # --- Overlaps and demands ------------------------------------------------------------------
    _own(
        "E54",
        _REVIEWED,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "FileClawbacks"),
        "本省系统与复核人可追回已清分的结算。",
        "The own systems and reviewers demand cleared settlements back.",
    ),
    _own(
        "E55",
        _FINANCE,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "ListClawbacks", "ListHolds", "ListOverlaps"),
        "系统、财务人员与稽核可查追回、暂缓与重复享受。",
        "Systems, finance staff and auditors read demands, holds and overlaps.",
    ),
    # --- Disputes ------------------------------------------------------------------------------
    _own(
        "E56",
        _SYSTEM,
        RecordClass.CLEARING,
        _of("DisputeService", "RaiseDisputes", "AnswerDisputes", "EscalateDispute", "CloseDispute"),
        "本省系统可提出、答复、提级与办结差错单；其他人经复核办理。",
        "The own systems raise, answer, escalate and close disputes; people do so by review.",
    ),
    _own(
        "E57",
        _PAYMENT,
        RecordClass.CLEARING,
        _of("DisputeService", "GetDispute", "ListDisputes"),
        "系统、财务人员、付款人与稽核可查差错单。",
        "Systems, finance staff, payers and auditors read disputes.",
    ),
    # --- Approvals -----------------------------------------------------------------------------
    _own(
        "E58",
        _SYSTEM,
        RecordClass.CLEARING,
        _of("ApprovalService", "PublishApprovalKey"),
        "本省系统可声明、撤回批准密钥。",
        "The own systems state and withdraw people's keys for approvals.",
    ),
    _own(
        "E59",
        _PAYMENT,
        RecordClass.CLEARING,
        _of("ApprovalService", "ListApprovalKeys"),
        "系统、财务人员、付款人与稽核可查批准密钥。",
        "Systems, finance staff, payers and auditors read keys for approvals.",
    ),
    # --- Payments ------------------------------------------------------------------------------
    _own(
        "E60",
        frozenset({Role.SYSTEM, Role.PAYER}),
        RecordClass.CLEARING,
        _of("PaymentService", "SetAdvanceTerms", "GrantAdvance"),
        "本省系统与付款人可声明预付条款、拨付预付款。",
        "The own systems and payers state terms of advances and grant advances.",
    ),
    _own(
        "E61",
        frozenset({Role.SYSTEM, Role.PAYER}),
        RecordClass.CLEARING,
        _of("PaymentService", "OrderPayments", "ReportPayments"),
        "本省系统与付款人可下达付款指令、登记银行对账单所示。",
        "The own systems and payers order payments and report what bank statements show.",
    ),
    _own(
        "E62",
        _PAYMENT,
        RecordClass.CLEARING,
        _of("PaymentService", "ListAdvances", "ListPayments"),
        "系统、财务人员、付款人与稽核可查预付款与付款进度。",
        "Systems, finance staff, payers and auditors read advances and where payments stand.",
    ),
    # --- Books ---------------------------------------------------------------------------------
    _own(
        "E63",
        _PAYMENT,
        RecordClass.CLEARING,
        _of("BooksService", "ListJournal", "GetTrialBalance", "ListMonthCloses"),
        "系统、财务人员、付款人与稽核可查本省账簿。",
        "Systems, finance staff, payers and auditors read the own books.",
    ),
    _own(
        "E64",
        _SYSTEM,
        RecordClass.CLEARING,
        _of("BooksService", "CloseMonth"),
        "本省系统可按月结账；其他人经复核办理。",
        "The own systems close months of the books; people do so by review.",
    ),
    # --- Review ---------------------------------------------------------------------------------
    _own(
        "E65",
        frozenset({Role.CLERK, Role.PAYER}),
        RecordClass.SETTLEMENT,
        _of("ReviewService", "SubmitDraft", "WithdrawDraft"),
        "经办人与付款人可提交待复核事项，并可撤回自己提交的。",
        "Clerks and payers submit what is to be reviewed, and take back what they submitted.",
    ),
    _own(
        "E66",
        frozenset({Role.REVIEWER, Role.PAYER}),
        RecordClass.SETTLEMENT,
        _of("ReviewService", "ApproveDraft", "RejectDraft"),
        "复核人与付款人可通过或退回他人提交的事项。",
        "Reviewers and payers approve or reject what somebody else submitted.",
    ),
    _own(
        "E67",
        frozenset({Role.CLERK, Role.REVIEWER, Role.PAYER, Role.AUDITOR}),
        RecordClass.SETTLEMENT,
        _of("ReviewService", "ListDrafts", "GetDraft"),
        "财务人员、付款人与稽核可查待复核事项，不含个人信息。",
        "Finance staff, payers and auditors read drafts, without values of persons.",
    ),
    _own(
        "E68",
        frozenset({Role.CLERK, Role.REVIEWER}),
        RecordClass.PERSONAL,
        _of("ReviewService", "GetDraft"),
        "经办人与复核人为办理备案，可查待复核备案的全部内容及登记码。",
        "Clerks and reviewers read drafts of enrolments whole, and the codes of elders, to enrol.",
        purposes=(Purpose.ENROLMENT,),
    ),
    _own(
        "E69",
        frozenset({Role.REVIEWER}),
        RecordClass.PERSONAL,
        _of("ReviewService", "ApproveDraft"),
        "复核人为办理备案，通过备案时可取得登记码。",
        "Reviewers get the codes of elders when they approve an enrolment, to enrol.",
        purposes=(Purpose.ENROLMENT,),
    ),
    # --- The key for overlaps ------------------------------------------------------------------
    _own(
        "E70",
        _SYSTEM,
        RecordClass.SETTLEMENT,
        _of("SettlementService", "PublishOverlapKey"),
        "本省系统可生成并声明比对重复享受的密钥。",
        "The own systems make and state the key by which overlaps are found.",
    ),
)
"""Every rule, in the order of the numbers."""
