"""The page on which PACS are added, changed and removed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.desk import Desk
from app.panels.widgets import Choice, button, label, named, set_role
from cvt_planner.base.errors import PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.nodes import (
    DICOM,
    DICOMWEB,
    NO_SECRET,
    PASSWORD,
    TOKEN,
    Node,
    add_node,
    checked,
    load_nodes,
    remove_node,
)
from cvt_planner.imaging.pacs.secrets import forget_secret, keep_secret

_SAVE = "pacs node"
_OF_DICOM = ("host", "port", "called_ae", "our_ae", "move_port", "tls", "tls_name")
_OF_WEB = ("url", "login", "user", "secret")
_TEXTS = (
    ("host", "Host", "pacs.example.org or 192.0.2.7"),
    ("called_ae", "Its AE title", ""),
    ("our_ae", "Our AE title", "as it is registered at the PACS"),
    ("url", "Address", "https://pacs.example.org/dicom-web"),
)
_FILES = (
    ("ca_file", "Authority (CA)", "PEM; empty: those the system trusts"),
    ("certificate_file", "Our certificate", "PEM, where the PACS asks for one"),
    ("key_file", "Its key", "PEM, without passphrase"),
)


class NodesPage(QWidget):
    """A list of the PACS on the left, the fields of one on the right."""

    closed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._file = Path()
        self._shown = Node("")
        self.texts: dict[str, QLineEdit] = {}
        self._build()

    def open_on(self, file: Path, name: str) -> None:
        """Show the PACS of a file, one of them chosen."""
        self._file = file
        self._show_list(name)

    # --- building

    def _build(self) -> None:
        self.list = named(QListWidget(), "pacs_nodes")
        self.list.setFixedWidth(230)
        self.list.currentTextChanged.connect(self._choose)
        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        left.addWidget(button("New PACS", lambda: self._put(Node("")), icon="plus", name="pacs_new"))
        self.form = QFormLayout()
        self._build_form()
        inside = QWidget()
        inside.setLayout(self.form)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        self.state = label("", "hint", "pacs_node_state")
        row = QHBoxLayout()
        row.addStretch(1)
        for one in (
            button("Save", self._save, role="primary", name="pacs_save"),
            button("Remove", self._remove, icon="trash", name="pacs_remove"),
            button("Back", self.closed.emit, name="pacs_back"),
        ):
            one.setAutoDefault(False)
            row.addWidget(one)
        right = QVBoxLayout()
        right.addWidget(area, 1)
        right.addWidget(self.state)
        right.addLayout(row)
        both = QHBoxLayout(self)
        both.setContentsMargins(0, 0, 0, 0)
        both.addLayout(left)
        both.addLayout(right, 1)

    def _build_form(self) -> None:
        self.kind = Choice("pacs_kind")
        self.kind.fill([("DICOM", DICOM), ("DICOMweb", DICOMWEB)], DICOM)
        self.kind.currentIndexChanged.connect(lambda _n: self._show_fields())
        self.port, self.move_port, self.timeout = _spin("pacs_port", 1), _spin("pacs_move_port", 0), QSpinBox()
        self.move_port.setSpecialValueText("not used")
        self.timeout.setRange(1, 600)
        self.timeout.setSuffix(" s")
        self.tls = named(QCheckBox("encrypt; the server's certificate is verified"), "pacs_tls")
        self.login = Choice("pacs_login")
        self.login.fill([("none", NO_SECRET), ("user and password", PASSWORD), ("token", TOKEN)], NO_SECRET)
        self.login.currentIndexChanged.connect(lambda _n: self._show_fields())
        self.rows: dict[str, QWidget] = {}
        self._add_text("name", "Name", "what you call it")
        self._add("kind", "Speaks", self.kind)
        for key, words, hint in _TEXTS:
            self._add_text(key, words, hint)
            if key == "host":
                self._add("port", "Port", self.port)
        self._add("move_port", "Our port for C-MOVE", self.move_port)
        self._add("tls", "TLS", self.tls)
        for key, words, hint in _FILES:
            self._add_file(key, words, hint)
        self._add_text("tls_name", "Name in its certificate", "where it is not the host")
        self._add("login", "Login", self.login)
        self._add_text("user", "User", "")
        self._add_text("secret", "Password or token", "kept in the system's keyring; empty: unchanged")
        self.texts["secret"].setEchoMode(QLineEdit.EchoMode.Password)
        self._add("timeout", "Answers within", self.timeout)

    def _add(self, key: str, words: str, field: QWidget) -> None:
        self.rows[key] = field
        self.form.addRow(words, field)

    def _add_text(self, key: str, words: str, hint: str) -> None:
        field = named(QLineEdit(), f"pacs_field_{key}")
        field.setPlaceholderText(hint)
        self.texts[key] = field
        self._add(key, words, field)

    def _add_file(self, key: str, words: str, hint: str) -> None:
        field = named(QLineEdit(), f"pacs_field_{key}")
        field.setPlaceholderText(hint)
        self.texts[key] = field
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(field, 1)
        browse = button("…", lambda: self._browse(field, words), name=f"pacs_browse_{key}", tip=f"Choose: {words}")
        browse.setAutoDefault(False)
        row.addWidget(browse)
        self._add(key, words, holder)

    def _browse(self, field: QLineEdit, words: str) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, words, field.text(), "PEM (*.pem *.crt *.cer *.key);;All files (*)"
        )
        if chosen:
            field.setText(chosen)

    # --- showing

    def _show_list(self, name: str) -> None:
        book = load_nodes(self._file)
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems(list(book.names))
        self.list.blockSignals(False)
        if name in book.names:
            self.list.setCurrentRow(book.names.index(name))
        self._put(book.node(name) if name in book.names else Node(""))
        self._say(book.notice, "stop")

    def _choose(self, name: str) -> None:
        node = next((one for one in load_nodes(self._file).nodes if one.name == name), None)
        if node is not None:
            self._put(node)

    def _put(self, node: Node) -> None:
        self._shown = node
        for key, field in self.texts.items():
            field.setText("" if key == "secret" else str(getattr(node, key)))
        self.kind.choose(node.kind)
        self.login.choose(node.login)
        self.port.setValue(node.port)
        self.move_port.setValue(node.move_port)
        self.timeout.setValue(round(node.timeout_s))
        self.tls.setChecked(node.tls)
        self._show_fields()
        self._say("", "hint")
        if not node.name:
            self.list.setCurrentRow(-1)
            self.texts["name"].setFocus()

    def _show_fields(self) -> None:
        web, login = self.kind.currentData() == DICOMWEB, self.login.currentData()
        for key in _OF_DICOM:
            self.form.setRowVisible(self.rows[key], not web)
        for key in _OF_WEB:
            self.form.setRowVisible(self.rows[key], web)
        self.form.setRowVisible(self.rows["user"], web and login == PASSWORD)
        self.form.setRowVisible(self.rows["secret"], web and login != NO_SECRET)

    # --- keeping

    def _typed(self) -> Node:
        web = self.kind.currentData() == DICOMWEB
        values = {key: field.text() for key, field in self.texts.items() if key != "secret"}
        if web:
            values |= {"host": "", "tls_name": ""}
        else:
            values |= {"url": "", "user": ""}
        return checked(
            Node(
                **values,
                kind=str(self.kind.currentData()),
                port=self.port.value(),
                move_port=0 if web else self.move_port.value(),
                tls=self.tls.isChecked() and not web,
                login=str(self.login.currentData()) if web else NO_SECRET,
                timeout_s=float(self.timeout.value()),
                retries=self._shown.retries,
                pause_s=self._shown.pause_s,
            )
        )

    def _save(self) -> None:
        try:
            node = self._typed()
        except PlannerError as error:
            self._say(str(error), "stop")
            return
        secret, file, before = self.texts["secret"].text(), self._file, self._shown
        if node.login != NO_SECRET and not secret and (before.name, before.login) != (node.name, node.login):
            self._say("The password or token is missing.", "stop")
            return

        def work(_progress: Progress) -> Node:  # a keyring may ask the user to unlock it
            if node.login == NO_SECRET:
                forget_secret(node.name)
            elif secret:
                keep_secret(node, secret)
            return add_node(node, file)

        self.desk.jobs.submit(_SAVE, work, self._saved, self._failed)

    def _saved(self, node: Node) -> None:
        self._show_list(node.name)
        self._say(f"{node.name} is remembered. Go back and press Test.", "ok")

    def _remove(self) -> None:
        name, file = self._shown.name, self._file
        if not name:
            return

        def work(_progress: Progress) -> None:
            remove_node(name, file)
            forget_secret(name)

        self.desk.jobs.submit(_SAVE, work, lambda _none: self._removed(name), self._failed)

    def _removed(self, name: str) -> None:
        self._show_list("")
        self._say(f"{name} is forgotten.", "hint")

    def _failed(self, error: Exception) -> None:
        self._say(str(error), "stop")

    def _say(self, text: str, role: str) -> None:
        self.state.setText(text)
        set_role(self.state, role)


def _spin(name: str, lowest: int) -> QSpinBox:
    made = named(QSpinBox(), name)
    made.setRange(lowest, 65535)
    return made
