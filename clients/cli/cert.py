"""``deltacare cert``: what can be done with certificates; commands are in modules by subject."""

from clients.cli.commands import Group, LazyCommand
from clients.language import both

__all__ = ["cert"]

cert = Group(
    name="cert",
    help=both("资格证书与互认。", "Certificates and their recognition."),
    lazy={
        "issue": LazyCommand(
            target="clients.cli.cert_issue:issue",
            help=both(
                "签发一张证书，或按文件批量签发。", "Issue a certificate, or those of a file."
            ),
        ),
        "template": LazyCommand(
            target="clients.cli.cert_issue:template",
            help=both("写出批量签发的空表。", "Write an empty sheet for issuing many."),
        ),
        "renew": LazyCommand(
            target="clients.cli.cert_life:renew",
            help=both("延长有效期。", "Prolong a certificate."),
        ),
        "add": LazyCommand(
            target="clients.cli.cert_life:add",
            help=both(
                "为证书补充培训、继续教育或表彰。",
                "Add training, education or an award to a certificate.",
            ),
        ),
        "suspend": LazyCommand(
            target="clients.cli.cert_life:suspend",
            help=both("暂停证书。", "Suspend a certificate."),
        ),
        "reinstate": LazyCommand(
            target="clients.cli.cert_life:reinstate",
            help=both("恢复证书。", "End a suspension."),
        ),
        "revoke": LazyCommand(
            target="clients.cli.cert_life:revoke",
            help=both("撤销证书，不可恢复。", "Revoke a certificate for good."),
        ),
        "show": LazyCommand(
            target="clients.cli.cert_show:show",
            help=both("证书及其全部变动。", "A certificate and its whole history."),
        ),
        "list": LazyCommand(
            target="clients.cli.cert_show:list_",
            help=both("列出证书。", "List certificates."),
        ),
        "check": LazyCommand(
            target="clients.cli.cert_check:check",
            help=both(
                "核验一张证书或一份花名册。",
                "Is this certificate good here? Or those of a whole roster?",
            ),
        ),
        "watch": LazyCommand(
            target="clients.cli.cert_watch:watch",
            help=both(
                "按机构关注证书，变更即时告知。",
                "Watch the certificates of an institution, and be told of changes.",
            ),
        ),
        "qr": LazyCommand(
            target="clients.cli.cert_phone:qr",
            help=both("生成手机证书二维码。", "Make the QR code of a phone certificate."),
        ),
        "bundle": LazyCommand(
            target="clients.cli.cert_phone:bundle",
            help=both("取得断网核验用的离线包。", "Get what checks without a network need."),
        ),
        "phone-key": LazyCommand(
            target="clients.cli.cert_phone:phone_key",
            help=both("公布手机证书的签名公钥。", "State the key that signs phone certificates."),
        ),
        "status": LazyCommand(
            target="clients.cli.cert_phone:status",
            help=both("证明过去某日的状态。", "Prove what a certificate was on a past day."),
        ),
        "recognise": LazyCommand(
            target="clients.cli.recognition:recognise",
            help=both("公布互认对应关系。", "Declare that grades of another issuer count here."),
        ),
        "equivalences": LazyCommand(
            target="clients.cli.recognition:equivalences",
            help=both("列出互认对应关系。", "List what counts where."),
        ),
        "end-recognition": LazyCommand(
            target="clients.cli.recognition:end_recognition",
            help=both("终止互认对应关系。", "End such a declaration."),
        ),
    },
)
