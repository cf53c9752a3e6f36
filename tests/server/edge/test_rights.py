"""Tests of the rights: every method × role × organisation × purpose against a matrix of its own.

The matrix below was written by hand from what each role is for, not made from the table.
"""

import pkgutil
from collections.abc import Iterator

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from deltacare import v1
from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.purposes import PURPOSE_FIELD, Purpose
from server.edge.access_rules import ACCESS_RULES, NOT_NAMED, RecordClass, Role
from server.edge.rights import METHODS, Rights, find_method

OWN, OTHER = "310000", "320000"
RIGHTS_HERE = Rights(OWN)
COLUMNS = ("system", "operator", "clerk", "reviewer", "payer", "auditor", "administrator", "peer")

# + without a purpose; letters: only for these purposes. The first seven columns are callers of the
# node's own province, the last is the node of another one. Everybody else is denied everything.
MATRIX = """
grpc.health.v1.Health/Check                        +   +   +   +   +   +   +   +
grpc.health.v1.Health/List                         +   +   +   +   +   +   +   +
grpc.health.v1.Health/Watch                        +   +   +   +   +   +   +   +
grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo + + + + +  +   +   +
FederationService/ListMembers                      +   +   +   +   +   +   +   +
FederationService/WhoAmI                           +   +   +   +   +   +   +   +
FederationService/ExplainAccess                    +   +   +   +   +   +   +   +
FederationService/Ping                             +   +   +   +   +   +   +   +
FederationService/ListPartnerHealth                +   .   +   +   .   +   +   .
FederationService/GetTrustFile                     +   +   +   +   +   +   +   +
FederationService/GetTrustStatus                   +   +   +   +   +   +   +   +
FederationService/PublishTrust                     .   .   .   .   .   .   +   .
FederationService/GetTimestampSignature            .   .   .   .   .   .   .   +
LogService/ListLogs                                +   .   .   .   .   +   +   +
LogService/ListEvidence                            +   .   .   .   .   +   +   +
LogService/ListTouched                             +   .   .   .   .   +   +   +
LogService/GetCheckpoint                           +   .   .   .   .   +   .   +
LogService/ReadEntries                             +   .   .   .   .   +   .   +H
LogService/GetInclusionProof                       +   .   .   .   .   +   .   +
LogService/GetConsistencyProof                     +   .   .   .   .   +   .   +
LogService/GetReceipt                              +   .   .   .   .   +   .   +
LogService/WatchCheckpoints                        +   .   .   .   .   +   .   +
LogService/ExchangeCheckpoints                     .   .   .   .   .   .   .   +
LogService/AddCosignature                          .   .   .   .   .   .   .   +
RegistryService/BatchUpsertInstitutions            +   .   .   .   .   .   .   .
RegistryService/GetInstitution                     +   +   +   +   +   +   .   .
RegistryService/BatchGetInstitutions               +   +   +   +   +   +   .   .
RegistryService/ListInstitutions                   +   +   +   +   +   +   .   .
RegistryService/CountInstitutions                  +   +   +   +   +   +   .   .
RegistryService/WatchInstitutions                  +   .   .   .   .   +   .   .
RegistryService/PublishListing                     +   .   .   .   .   .   .   .
RegistryService/WithdrawListing                    +   .   .   .   .   .   .   .
RegistryService/ListListings                       +   +   +   +   +   +   .   .
RegistryService/ProposeAgreement                   +   .   .   .   .   .   .   .
RegistryService/AnswerAgreement                    +   .   .   +   .   .   .   .
RegistryService/ListAgreements                     +   +   +   +   +   +   .   .
CertificationService/IssueCertificates             +   .   .   .   .   .   .   .
CertificationService/RenewCertificate              +   .   .   .   .   .   .   .
CertificationService/SuspendCertificate            +   .   .   +   .   .   .   .
CertificationService/ReinstateCertificate          +   .   .   +   .   .   .   .
CertificationService/RevokeCertificate             +   .   .   +   .   .   .   .
CertificationService/GetCertificate                +   +   +   +   .   +   .   .
CertificationService/ListCertificates              +   +   +   +   .   +   .   .
CertificationService/CheckCertification            +   +   +   +   .   +   .   .
CertificationService/PublishEquivalence            +   .   .   .   .   .   .   .
CertificationService/EndEquivalence                +   .   .   .   .   .   .   .
CertificationService/ListEquivalences              +   +   +   +   .   +   .   .
CertificationService/SuspendRecognition            +   .   .   +   .   .   .   .
CertificationService/ResumeRecognition             +   .   .   +   .   .   .   .
RegistryService/BatchStateClaims                   +   .   .   .   .   .   .   .
RegistryService/ProposeListing                     +   .   .   .   .   .   .   .
RegistryService/GetInstitutionHistory              +   +   +   +   +   +   .   .
RegistryService/SearchInstitutions                 +   +   +   +   +   +   .   .
RegistryService/ListClaims                         +   +   +   +   +   +   .   .
RegistryService/ListDisagreements                  +   +   +   +   +   +   .   .
RegistryService/GetAgreementMatrix                 +   +   +   +   +   +   .   .
CertificationService/PublishScheme                 +   .   .   .   .   .   .   .
CertificationService/ListSchemes                   +   +   +   +   .   +   .   .
CertificationService/AddToCertificate              +   .   .   .   .   .   .   .
CertificationService/AnswerRecognitionSuspension   +   .   .   +   .   .   .   .
CertificationService/ListRecognitionSuspensions    +   +   +   +   .   +   .   .
CertificationService/BatchCheckCertifications      +   +   +   +   .   +   .   .
CertificationService/PutWatchList                  +   +   .   .   .   .   .   .
CertificationService/ListWatchLists                +   +   .   .   .   .   .   .
CertificationService/WatchCertificates             +   +   .   .   .   .   .   .
SupervisionService/RecordInspection                +   .   .   +   .   .   .   .
SupervisionService/TakeMeasure                     +   .   .   +   .   .   .   .
SupervisionService/ReportRectification             +   .   .   +   .   .   .   .
SupervisionService/LiftMeasure                     +   .   .   +   .   .   .   .
SupervisionService/ListMeasures                    +   +   +   +   .   +   .   .
SupervisionService/ListInspections                 +   +   +   +   .   +   .   .
PersonalService/PutPersonalData                    F   .   .   .   .   .   .   .
PersonalService/DisclosePersonalData               CDVR .  .   CDVR .  .   .   .
PersonalService/CompareIdentity                    .   .   .   .   .   .   .   H
PersonalService/ListDisclosures                    RD  .   .   .   .   RD  .   .
PersonalService/ErasePersonalData                  X   .   .   X   .   .   .   .
CredentialService/PublishCredentialKey             +   .   .   .   .   .   .   .
CredentialService/ListCredentialKeys               +   +   +   +   .   +   .   .
CredentialService/IssueCredential                  F   .   .   .   .   .   .   .
CredentialService/GetStatusList                    +   +   +   +   .   +   .   +
CredentialService/GetOfflineBundle                 +   +   +   +   .   +   .   .
PolicyService/PublishSubsidyPolicy                 +   .   .   .   .   .   .   .
PolicyService/ListSubsidyPolicies                  +   .   +   +   +   +   .   .
PolicyService/PublishBudget                        +   .   .   .   .   .   .   .
PolicyService/ListBudgets                          +   .   +   +   +   +   .   .
PolicyService/ComputeAmounts                       +   .   +   +   +   +   .   .
SettlementService/CreateEnrolments                 E   .   .   .   .   .   .   .
SettlementService/EndEnrolment                     +   .   .   .   .   .   .   .
SettlementService/ResolveEnrolment                 CSD C   SD  .   .   .   .   CSD
SettlementService/FileRecords                      +   .   .   .   .   .   .   .
SettlementService/FileReversals                    +   .   .   .   .   .   .   .
SettlementService/RefuseRecords                    +   .   .   .   .   .   .   .
SettlementService/PlaceHolds                       +   .   .   .   .   .   .   .
SettlementService/EndHolds                         +   .   .   .   .   .   .   .
SettlementService/FileClawbacks                    +   .   .   +   .   .   .   .
SettlementService/ListClawbacks                    +   .   +   +   .   +   .   .
SettlementService/ListHolds                        +   .   +   +   .   +   .   .
SettlementService/ListOverlaps                     +   .   +   +   .   +   .   .
SettlementService/PublishOverlapKey                +   .   .   .   .   .   .   .
SettlementService/ListRecords                      +   .   +   +   .   +   .   .
SettlementService/CloseDay                         +   .   +   +   .   .   .   .
SettlementService/ListDayCloses                    +   .   +   +   +   +   .   .
ClearingService/RunNight                           +   .   +   +   .   .   .   .
ClearingService/ListPairNights                     +   .   +   +   +   +   .   .
ClearingService/ListLines                          +   .   +   +   .   +   .   .
ClearingService/CountLines                         +   .   +   +   .   +   .   .
ClearingService/CompareNights                      +   .   +   +   .   +   .   .
ClearingService/ListNightLeaves                    .   .   .   .   .   .   .   +
ClearingService/ListReversalProposals              +   .   +   +   .   +   .   .
ClearingService/ProposeStatement                   +   .   .   +   +   .   .   .
ClearingService/AnswerStatement                    +   .   .   +   +   .   .   .
ClearingService/GetStatement                       +   .   +   +   +   +   .   .
ClearingService/ListStatements                     +   .   +   +   +   +   .   .
DisputeService/RaiseDisputes                       +   .   .   .   .   .   .   .
DisputeService/AnswerDisputes                      +   .   .   .   .   .   .   .
DisputeService/EscalateDispute                     +   .   .   .   .   .   .   .
DisputeService/CloseDispute                        +   .   .   .   .   .   .   .
DisputeService/GetDispute                          +   .   +   +   +   +   .   .
DisputeService/ListDisputes                        +   .   +   +   +   +   .   .
SettlementService/JudgeInbox                       +   .   +   +   .   +   .   .
SettlementService/CompareTotals                    +   .   +   +   .   +   .   .
ReviewService/SubmitDraft                          .   .   +   .   +   .   .   .
ReviewService/WithdrawDraft                        .   .   +   .   +   .   .   .
ReviewService/ListDrafts                           .   .   +   +   +   +   .   .
ReviewService/GetDraft                             .   .   +E  +E  +   +   .   .
ReviewService/ApproveDraft                         .   .   .   +E  +   .   .   .
ReviewService/RejectDraft                          .   .   .   +   +   .   .   .
ApprovalService/PublishApprovalKey                 +   .   .   .   .   .   .   .
ApprovalService/ListApprovalKeys                   +   .   +   +   +   +   .   .
PaymentService/SetAdvanceTerms                     +   .   .   .   +   .   .   .
PaymentService/GrantAdvance                        +   .   .   .   +   .   .   .
PaymentService/OrderPayments                       +   .   .   .   +   .   .   .
PaymentService/ReportPayments                      +   .   .   .   +   .   .   .
PaymentService/ListAdvances                        +   .   +   +   +   +   .   .
PaymentService/ListPayments                        +   .   +   +   +   +   .   .
BooksService/ListJournal                           +   .   +   +   +   +   .   .
BooksService/GetTrialBalance                       +   .   +   +   +   +   .   .
BooksService/ListMonthCloses                       +   .   +   +   +   +   .   .
BooksService/CloseMonth                            +   .   .   .   .   .   .   .
"""
LETTERS = {
    "E": Purpose.ENROLMENT,
    "C": Purpose.CARE_PLACEMENT,
    "S": Purpose.SETTLEMENT,
    "D": Purpose.DISPUTE,
    "H": Purpose.HOLDER_CHECK,
    "F": Purpose.CERTIFICATION,
    "V": Purpose.SUPERVISION,
    "R": Purpose.SUBJECT_REQUEST,
    "X": Purpose.ERASURE,
}
ADMINISTRATORS_CLASSES = {
    RecordClass.PUBLIC,
    RecordClass.FEDERATION,
    RecordClass.OPERATIONS,
    RecordClass.LOGS,
}


def _full(name: str) -> str:
    return f"/{name}" if name.startswith("grpc.") else f"/deltacare.v1.{name}"


EXPECTED = {
    _full(name): dict(zip(COLUMNS, cells, strict=True))
    for name, *cells in (line.split() for line in MATRIX.strip().splitlines())
}


def files() -> Iterator[FileDescriptor]:
    """Yield the files of the contract, found in its package, and of the standard services."""
    for _, name, _ in pkgutil.iter_modules(v1.__path__):
        if name.endswith("_pb2"):
            yield descriptor_pool.Default().FindFileByName(
                f"deltacare/v1/{name.removesuffix('_pb2')}.proto"
            )
    yield health_pb2.DESCRIPTOR
    yield reflection_pb2.DESCRIPTOR


def methods_there_are() -> set[str]:
    """Return the full name of every method that a node serves."""
    for _, name, _ in pkgutil.iter_modules(v1.__path__):
        if name.endswith("_pb2"):
            __import__(f"deltacare.v1.{name}")
    return {
        f"/{service.full_name}/{method.name}"
        for file in files()
        for service in file.services_by_name.values()
        for method in service.methods
    }


def caller(role: str, province: str = OWN) -> Principal:
    """Return a caller."""
    return Principal(province=province, role=role, opaque_id="id-1")


def refusal(principal: Principal, method: str, purpose: str = "") -> Refusal | None:
    """Return why a call is refused, or nothing if it is let in."""
    try:
        RIGHTS_HERE.admit(principal, method, lambda: purpose)
    except Refusal as error:
        return error
    return None


def allowed(method: str, role: str, province: str, purpose: Purpose | None) -> bool:
    """Return what the matrix says."""
    if (province == OWN) is (role == "peer"):
        return False
    cell = EXPECTED[method][role]
    return "+" in cell or purpose in {LETTERS[letter] for letter in cell if letter in LETTERS}


def test_every_method_is_named() -> None:
    """Table and matrix name every method in the descriptors, and none that does not exist."""
    assert sorted(methods_there_are()) == sorted(METHODS)
    assert sorted(EXPECTED) == sorted(METHODS)
    assert set(COLUMNS) == set(Role)


@pytest.mark.parametrize("method", sorted(EXPECTED))
def test_every_cell(method: str) -> None:
    """Method × role × organisation × purpose: let in exactly where the matrix says so."""
    for role in COLUMNS:
        for province in (OWN, OTHER):
            principal = caller(role, province)
            for purpose in (None, *Purpose):
                expected = allowed(method, role, province, purpose)
                decision = RIGHTS_HERE.decide(principal, method, purpose)
                assert expected is decision.allowed, (role, province, purpose)
                refused = refusal(principal, method, purpose or "")
                assert expected is (refused is None), (role, province, purpose)
                if expected:
                    assert method in decision.rule.methods
                    assert role in decision.rule.roles
                    is_personal = decision.rule.record_class is RecordClass.PERSONAL
                    assert is_personal is (decision.purpose is not None)
                else:
                    assert NOT_NAMED is decision.rule
                    assert refused is not None
                    assert decision.reason is refused.reason
                    assert "E00" == refused.details["rule"]


@pytest.mark.parametrize("method", sorted(EXPECTED))
def test_why_a_call_is_refused(method: str) -> None:
    """By role, by province, or for want of a purpose: each has its reason and names what counts."""
    for role in COLUMNS:
        home, away = (OTHER, OWN) if role == "peer" else (OWN, OTHER)
        cell = EXPECTED[method][role]
        refused = refusal(caller(role, away), method)
        assert refused is not None
        expected = Reason.ROLE_NOT_ALLOWED if cell == "." else Reason.WRONG_PROVINCE
        assert expected is refused.reason
        refused = refusal(caller(role, home), method)
        if cell == ".":
            assert refused is not None
            assert Reason.ROLE_NOT_ALLOWED is refused.reason
            assert (role, method) == (refused.details["role"], refused.details["method"])
            assert role in refused.message
            assert method in refused.message
        elif "+" not in cell:
            assert refused is not None
            assert Reason.INVALID_FIELD is refused.reason
            assert [PURPOSE_FIELD] == [each.field for each in refused.violations]
            assert all(LETTERS[letter] in refused.violations[0].remedy for letter in cell)


def test_purposes() -> None:
    """One that does not exist is bad input and not repeated; one of another role is denied."""
    method = "/deltacare.v1.SettlementService/ResolveEnrolment"
    refused = refusal(caller("clerk"), method, "张三 310101199001011234")
    assert refused is not None
    assert Reason.INVALID_FIELD is refused.reason
    assert "1990" not in str(refused)
    assert "CARE_PLACEMENT" in refused.violations[0].remedy
    refused = refusal(caller("clerk"), method, "CARE_PLACEMENT")
    assert refused is not None
    assert Reason.ROLE_NOT_ALLOWED is refused.reason
    assert "CARE_PLACEMENT" == refused.details["purpose"]
    rule, purpose = RIGHTS_HERE.admit(caller("clerk"), method, lambda: "DISPUTE")
    assert ("E24", Purpose.DISPUTE) == (rule.code, purpose)


def test_a_purpose_that_nobody_asks_for_is_not_read() -> None:
    """The hot path looks at no metadata."""

    def unexpected() -> str:
        raise AssertionError("it was read")

    rule, purpose = RIGHTS_HERE.admit(
        caller("operator"), "/deltacare.v1.FederationService/Ping", unexpected
    )
    assert ("E01", None) == (rule.code, purpose)


def test_unknown_is_denied() -> None:
    """A method without a rule and a role without a column are denied."""
    for principal, method in [
        (caller("system"), "/deltacare.v1.LogService/Erase"),
        (caller("root"), "/deltacare.v1.FederationService/Ping"),
        (caller(""), "/deltacare.v1.FederationService/Ping"),
    ]:
        refused = refusal(principal, method)
        assert refused is not None
        assert Reason.ROLE_NOT_ALLOWED is refused.reason


def test_rules_are_numbered_and_bilingual() -> None:
    """E01 upwards, each once, each with a text in Chinese and in English, none without effect."""
    codes = [rule.code for rule in ACCESS_RULES]
    assert [f"E{number:02d}" for number in range(1, len(codes) + 1)] == codes
    for rule in (*ACCESS_RULES, NOT_NAMED):
        assert rule.zh.endswith("。")
        assert any("\u4e00" <= char <= "\u9fff" for char in rule.zh)
        assert rule.en.isascii()
        assert rule.en.endswith(".")
    assert all(rule.methods and rule.roles for rule in ACCESS_RULES)
    assert all(purpose.zh and purpose.en for purpose in Purpose)


def test_administrators_see_no_business() -> None:
    """No rule that lets an administrator in touches records of registers, certificates, money."""
    rules = RIGHTS_HERE.rules(caller("administrator"))
    assert {rule.record_class for rule in rules} <= ADMINISTRATORS_CLASSES
    logs = {n for n in RIGHTS_HERE.methods(caller("administrator")) if "LogService" in n}
    assert {
        "/deltacare.v1.LogService/ListEvidence",
        "/deltacare.v1.LogService/ListLogs",
        "/deltacare.v1.LogService/ListTouched",
    } == logs


def test_auditors_write_nothing() -> None:
    """No method that an auditor may call takes a request id: none of them writes."""
    pool = descriptor_pool.Default()
    for name in RIGHTS_HERE.methods(caller("auditor")):
        if name.startswith("/deltacare."):
            _, service, method = name.split("/")
            request = pool.FindServiceByName(service).methods_by_name[method].input_type
            assert "request_id" not in request.fields_by_name


def test_methods_agree_with_the_checks() -> None:
    """What a caller is told it may call is what it may call, for some purpose."""
    for role in Role:
        for province in (OWN, OTHER):
            principal = caller(role, province)
            expected = tuple(
                method
                for method in sorted(METHODS)
                if any(allowed(method, role, province, each) for each in (None, *Purpose))
            )
            assert expected == RIGHTS_HERE.methods(principal)


def test_short_names() -> None:
    """The last part of a name is enough; what does not exist names those spelled alike."""
    full = "/deltacare.v1.SettlementService/FileRecords"
    assert full == find_method("FileRecords") == find_method(full)
    assert len({name.rpartition("/")[2] for name in METHODS}) == len(METHODS)
    with pytest.raises(Refusal) as caught:
        find_method("fileRecord")
    assert Reason.INVALID_FIELD is caught.value.reason
    assert "FileRecords" in caught.value.violations[0].remedy
    with pytest.raises(Refusal, match="explain --list"):
        find_method("zzzz")


def test_purposes_travel_beside_calls() -> None:
    """No request says its purpose itself, but the one that asks about rights."""
    named = {
        message.name
        for file in files()
        for message in file.message_types_by_name.values()
        if "purpose" in message.fields_by_name and message.name.endswith("Request")
    }
    assert {
        "BatchCheckCertificationsRequest",
        "CheckCertificationRequest",
        "ExplainAccessRequest",
    } >= named
