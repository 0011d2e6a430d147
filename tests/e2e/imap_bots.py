# SPDX-License-Identifier: MIT
"""User agents as they are seen from a server: what each sends, in its own
words and order, from the greeting to the list of messages and on.  A bot does
what its client would do; the tests say what it must get for it.

Each is a Wire: whatever comes must parse and fit (imap_wire.py)."""
import base64
import re

from imap_wire import Wire


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Bot(Wire):
    """One that has logged in as its user and has seen the folders."""
    TAGS = "a%d"
    STARTTLS = False

    def __init__(self, server, user, **how):
        super().__init__(server, tags=self.TAGS, starttls=self.STARTTLS, **how)
        self.user, self.password = user, server.password(user)
        self.offered = set(self.greeting.args if self.greeting.code == "CAPABILITY" else ())
        self.folders, self.special = {}, {}
        self.log_in()
        self.look()

    def take_capabilities(self, answer):
        found = [r.values for r in answer.of("CAPABILITY")]
        if answer.tagged.code == "CAPABILITY":
            found.append(answer.tagged.args)
        if found:
            self.offered = set(found[-1])
        return bool(found)

    def ask_capabilities(self):
        assert self.take_capabilities(self.ok("CAPABILITY"))

    def plain(self):
        return b64(f"\0{self.user}\0{self.password}")

    def take_folders(self, answer, kind="LIST"):
        for r in answer.of(kind):
            self.folders[r.name] = set(r.values)
            for use in ("\\Sent", "\\Drafts", "\\Junk", "\\Trash", "\\Archive"):
                if use in r.values:
                    self.special[use] = r.name

    def put(self, mailbox, flags, message):
        """APPEND as most do it: what came is waited for, then the literal."""
        return self.ok(f'APPEND "{mailbox}" ({flags}) "22-Nov-2026 10:00:00 +0000" {{{len(message)}}}', message)


class AppleMail(Bot):
    """iOS 18 and macOS 15."""
    TAGS = "2.%d"
    NAME = "iPhone Mail"
    FIELDS = ("date subject from to cc message-id in-reply-to references content-type x-priority "
              "x-uniform-type-identifier x-universally-unique-identifier list-id list-unsubscribe "
              "bimi-indicator bimi-location x-bimi-indicator-hash authentication-results dkim-signature")

    def log_in(self):
        self.ask_capabilities()
        if "ID" in self.offered:
            self.ok(f'ID ("name" "{self.NAME}" "version" "22B91" "os" "iOS" "os-version" "18.1.1 (22B91)")')
        answer = self.ok(f"AUTHENTICATE PLAIN {self.plain()}")
        if not self.take_capabilities(answer):
            self.ask_capabilities()

    def look(self):
        self.root = self.ok('LIST "" ""').one("LIST")
        self.ok("NAMESPACE")
        self.take_folders(self.ok('LIST "" "*"'))
        self.status = {name: self.ok(f'STATUS "{name}" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)')
                       .one("STATUS").values for name in self.folders}

    def open(self, mailbox="INBOX"):
        return self.ok(f'SELECT "{mailbox}" (CONDSTORE)')

    def summaries(self, first=1, last="*"):
        return self.ok(f"FETCH {first}:{last} (INTERNALDATE UID RFC822.SIZE FLAGS "
                       f"BODY.PEEK[HEADER.FIELDS ({self.FIELDS})] MODSEQ)")

    def read(self, uid, octets=393216):
        """By its structure, then the text part in slices."""
        part = self.ok(f"UID FETCH {uid} (BODYSTRUCTURE BODY.PEEK[HEADER])").one("FETCH").values["BODYSTRUCTURE"]
        number = "1"
        while part["parts"]:
            part, number = part["parts"][0], number + ".1" if part["parts"][0]["parts"] else number
        text = b""
        while len(text) < part["octets"]:
            got = self.ok(f"UID FETCH {uid} BODY.PEEK[{number}]<{len(text)}.{octets}>").one("FETCH").values
            piece = got[f"BODY[{number}]<{len(text)}>"]
            assert piece
            text += piece
        return text


class MacMail(AppleMail):
    TAGS = "%d.57"
    NAME = "com.apple.mail.iOSMail"


class OutlookClassic(Bot):
    """Outlook for Windows, the old one: random tags, LSUB, AUTH LOGIN."""
    TAGS = "zfx%d"
    NAME = "Microsoft Outlook"

    def log_in(self):
        self.ask_capabilities()
        self.asked, _ = self.authenticate("LOGIN", b64(self.user), b64(self.password))
        self.ask_capabilities()
        self.ok(f'ID ("name" "{self.NAME}" "version" "16.0.17928.20156")')

    def look(self):
        self.take_folders(self.ok('LIST "" "*"'))
        self.subscribed = self.ok('LSUB "" "*"')
        self.take_folders(self.subscribed, "LSUB")

    def open(self, mailbox="INBOX"):
        self.ok(f'STATUS "{mailbox}" (UIDVALIDITY UIDNEXT)')
        return self.ok(f'SELECT "{mailbox}"')

    def sync(self, first=1):
        """All from a UID to the greatest there can be."""
        return self.ok(f"UID FETCH {first}:4294967295 (UID FLAGS)")


class OutlookNew(Bot):
    """New Outlook and Outlook mobile: Microsoft's servers fetch for them."""
    NAME = "Microsoft Office 365"

    def log_in(self):
        self.ask_capabilities()
        self.asked, _ = self.authenticate("LOGIN", b64(self.user), b64(self.password))
        self.ok(f'ID ("name" "{self.NAME}" "vendor" "Microsoft" "version" "15.20")')
        self.ask_capabilities()
        self.ok("ENABLE UIDONLY CONDSTORE")

    def look(self):
        self.take_folders(self.ok('LIST (SUBSCRIBED) "" "*" RETURN (CHILDREN SPECIAL-USE)'))

    def open(self, mailbox="INBOX"):
        return self.ok(f'SELECT "{mailbox}"')


class Thunderbird(Bot):
    """128 and later; commands in small letters where it has them so."""
    TAGS = "%d"
    FIELDS = ("From To Cc Bcc Resent-Message-ID Subject Date Message-ID Priority X-Priority References "
              "Newsgroups In-Reply-To Content-Type Reply-To")

    def log_in(self):
        self.ask_capabilities()
        answer = self.ok(f"authenticate PLAIN {self.plain()}")
        if not self.take_capabilities(answer):
            self.ask_capabilities()
        self.ok('ID ("name" "Thunderbird" "version" "128.5.0")')

    def look(self):
        self.ok("namespace")
        self.take_folders(self.ok('list (subscribed) "" "*" return (special-use)'))
        self.ok('list "" "INBOX"')

    def open(self, mailbox="INBOX"):
        answer = self.ok(f'select "{mailbox}" (CONDSTORE)')
        self.highest = answer.code("HIGHESTMODSEQ")[0]
        self.ok(f'getquotaroot "{mailbox}"')
        return answer

    def flags(self):
        return self.ok("UID fetch 1:* (FLAGS)").fetched("FLAGS")

    def changes(self):
        return self.ok(f"UID fetch 1:* (FLAGS) (CHANGEDSINCE {self.highest})")

    def headers(self, found):
        return self.ok(f"UID fetch {found} (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS ({self.FIELDS})])")

    def save_draft(self, message):
        answer = self.ok(f'append "{self.special[chr(92) + "Drafts"]}" (\\Seen \\Draft) {{{len(message)}+}}', message)
        return answer.tagged


class K9(Bot):
    """K-9, which is Thunderbird for Android."""
    TAGS = "%d"
    STARTTLS = True
    FIELDS = ("date subject from content-type to cc reply-to message-id references in-reply-to "
              "list-unsubscribe sender X-K9mail-Identity Chat-Version")

    def log_in(self):
        self.ask_capabilities()  # after STARTTLS: what was said before counts no more
        answer = self.ok(f"AUTHENTICATE PLAIN {self.plain()}")
        if not self.take_capabilities(answer):
            self.ask_capabilities()
        self.ok('ID ("name" "Thunderbird for Android" "version" "8.1")')

    def look(self):
        self.ok("NAMESPACE")
        if {"SPECIAL-USE", "LIST-EXTENDED"} <= self.offered:
            self.take_folders(self.ok('LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)'))

    def open(self, mailbox="INBOX"):
        return self.ok(f'SELECT "{mailbox}"')

    def search(self, criteria="1:* NOT DELETED"):
        return self.ok(f"UID SEARCH {criteria}").one("SEARCH").values

    def envelopes(self, found):
        return self.ok(f"UID FETCH {','.join(map(str, found))} (UID INTERNALDATE RFC822.SIZE FLAGS "
                       f"BODY.PEEK[HEADER.FIELDS ({self.FIELDS})])")


class FairEmail(Bot):
    """JavaMail with what Marcel Bokhorst made of it."""
    TAGS = "A%d"

    def log_in(self):
        self.ask_capabilities()
        self.authenticate("PLAIN", self.plain())
        self.ask_capabilities()
        self.ok('ID ("name" "FairEmail" "version" "1.2250" "os" "Android")')
        self.ok("ENABLE UTF8=ACCEPT")

    def look(self):
        self.ok("NAMESPACE")
        self.take_folders(self.ok('LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED)'))
        self.ok('LSUB "" "*"')

    def open(self, mailbox="INBOX"):
        return self.ok(f'SELECT "{mailbox}" (CONDSTORE)')


class GmailApp(Bot):
    """Google's for Android, with an account that is not Google's."""
    TAGS = "%d"

    def log_in(self):
        self.ask_capabilities()
        self.ok('ID ("name" "com.google.android.gm" "os" "android" "os-version" "15; AP4A" "vendor" "Google")')
        self.ok(f'LOGIN {self.user} "{self.password}"')
        self.ask_capabilities()

    def look(self):
        self.take_folders(self.ok('LIST "" "*"'))
        self.root = self.ok('LIST "" ""').one("LIST")

    def open(self, mailbox="INBOX"):
        return self.ok(f'SELECT "{mailbox}"')

    def structure(self, uid):
        return self.ok(f"UID FETCH {uid} (UID BODYSTRUCTURE)").one("FETCH").values["BODYSTRUCTURE"]


class Roundcube(Bot):
    """1.6: a new connection for each page, which begins with the same words."""
    TAGS = "A%04d"
    FIELDS = ("DATE FROM TO SUBJECT CONTENT-TYPE CC REPLY-TO LIST-POST DISPOSITION-NOTIFICATION-TO "
              "X-PRIORITY X-DRAFT-INFO SENDER BCC MESSAGE-ID IN-REPLY-TO REFERENCES")

    def log_in(self):
        self.ok('ID ("name" "Roundcube" "version" "1.6.9" "php" "8.2.20" "os" "Linux")')
        answer = self.ok(f"AUTHENTICATE PLAIN {self.plain()}")
        if not self.take_capabilities(answer):
            self.ask_capabilities()
        self.ok("ENABLE QRESYNC")

    def look(self):
        self.ok("NAMESPACE")
        self.listing = self.ok('LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN SIZE))')
        self.take_folders(self.listing)

    def open(self, mailbox="INBOX"):
        return self.ok(f"SELECT {mailbox}")

    def page(self, found):
        return self.ok(f"UID FETCH {found} (UID RFC822.SIZE FLAGS INTERNALDATE BODYSTRUCTURE "
                       f"BODY.PEEK[HEADER.FIELDS ({self.FIELDS})])")


class EmClient(Bot):
    def log_in(self):
        self.ask_capabilities()
        self.ok(f"AUTHENTICATE PLAIN {self.plain()}")
        self.ask_capabilities()
        self.ok('ID ("name" "eM Client" "version" "10.1.4588.0")')

    def look(self):
        self.take_folders(self.ok('LIST "" "*" RETURN (SPECIAL-USE)'))

    def open(self, mailbox="INBOX"):
        return self.ok(f'SELECT "{mailbox}"')


class Evolution(Bot):
    """camel: three connections at once, quoted names, QRESYNC where it can."""
    TAGS = "A%05d"

    def log_in(self):
        self.ask_capabilities()
        self.ok(f"AUTHENTICATE PLAIN {self.plain()}")
        self.ask_capabilities()
        self.ok("ENABLE CONDSTORE QRESYNC")

    def look(self):
        self.ok("NAMESPACE")
        self.take_folders(self.ok('LIST "" "*" RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)'))

    def open(self, mailbox="INBOX"):
        quoted = re.sub(r'(["\\])', r"\\\1", mailbox)
        return self.ok(f'SELECT "{quoted}"')


class MailKit(Evolution):
    """Wino and whatever else is made with MailKit."""
    TAGS = "F%08d"

    def look(self):
        self.ok("NAMESPACE")
        self.take_folders(self.ok('LIST (SPECIAL-USE) "" "*" RETURN (SUBSCRIBED CHILDREN)'))
        self.take_folders(self.ok('LIST "" "%" RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UIDVALIDITY UIDNEXT))'))


BOTS = [AppleMail, MacMail, OutlookClassic, OutlookNew, Thunderbird, K9, FairEmail, GmailApp, Roundcube,
        EmClient, Evolution, MailKit]
