/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf/conf.h"
#include "common/util/str.h"
#include "mailctl/commands.h"

/* clang-format off */
static const struct cli_command commands[] = {
	{"run", "", "Run the whole suite in the foreground.",
	    "Opens the sockets of [listen], starts maild, smtpd and popd, and starts one\n"
	    "again that dies.  SIGTERM or SIGINT stops all of them.\n",
	    cmd_run},
	{"dev", "[OPTION]... [-- COMMAND...]", "A throw-away mail server on loopback, for tests.",
	    "  --dir D             keep everything in D (default: a temporary directory)\n"
	    "  --domain D          a local domain, may be repeated (default: d.test)\n"
	    "  --user NAME:PASS    an account, may be repeated; NAME may have an @domain\n"
	    "  --accept-any        make accounts when mail or a login for them arrives\n"
	    "  --host ADDRESS      listen there (default: 127.0.0.1)\n"
	    "  --port smtp=2525    a fixed port, may be repeated (default: free ones)\n"
	    "  --allow-plaintext   let clients log in without TLS\n"
	    "  --dns ADDR:PORT     ask this DNS server (default: no name but ours exists)\n"
	    "  --internet FILE     other people's DNS and mail servers: pennypost.internet(5)\n"
	    "  --set section.key=value   any setting, may be repeated\n"
	    "  --json              one line on standard output when ready\n"
	    "  -- COMMAND...       run it, then stop; its exit code is ours\n",
	    cmd_dev},
	{"demo", "[--once]", "Two servers, and Bob's message to Alice between them.",
	    "  --once   exit after the journey: 0 only if every octet arrived\n", cmd_demo},
	{"advance", "TIME | --to-next", "Let time pass on a server of `mailctl dev'.",
	    "TIME is like 90s, 5m, 4h or 5d.  Goes from one try that is due to the next,\n"
	    "waits for its outcome each time, and says what happened.\n"
	    "  --to-next   only as far as the next try\n", cmd_advance},
	{"user add", "ADDRESS [--quota SIZE]", "Make an account.",
	    "The password is asked for, or is the first line of standard input.\n", cmd_user_add},
	{"user list", "", "All accounts.", NULL, cmd_user_list},
	{"user passwd", "ADDRESS", "Change a password.",
	    "The password is asked for, or is the first line of standard input.\n"
	    "The old one fails at once.\n", cmd_user_passwd},
	{"user quota", "ADDRESS SIZE", "Set how much mail an account may hold (0: no limit).", NULL, cmd_user_quota},
	{"user disable", "ADDRESS", "Let nobody log in to an account; its mail is kept.",
	    "Mail still arrives.  Who is logged in stays so until the session ends.\n",
	    cmd_user_disable},
	{"user enable", "ADDRESS", "End that.", NULL, cmd_user_enable},
	{"user remove", "ADDRESS --yes", "Remove an account and all its mail.", NULL, cmd_user_remove},
	{"user imap", "ADDRESS [--off \"CAPABILITY...\" | --on]", "Show or set what of IMAP is not offered to an account.",
	    "  --off \"C C\"   these capabilities; they replace those set before\n"
	    "  --on           all of them\n"
	    "It holds from the next login on.\n", cmd_user_imap},
	{"app-password add", "ADDRESS NAME [--scope smtp,imap,pop3]", "Make a password for one program of an account.",
	    "  --scope S,S   what it is good for (default: all three)\n"
	    "It is printed once and kept nowhere.  NAME tells it from others: \"telephone\".\n"
	    "It works where PLAIN and LOGIN do, not with SCRAM.\n", cmd_app_password_add},
	{"app-password list", "ADDRESS", "Them, and when each was used last.", NULL, cmd_app_password_list},
	{"app-password remove", "ADDRESS NAME", "Remove one; it fails at once.", NULL, cmd_app_password_remove},
	{"alias add", "ALIAS TARGET...", "Deliver mail for ALIAS to TARGET; @domain is a catch-all.", NULL, cmd_alias_add},
	{"alias list", "", "All aliases.", NULL, cmd_alias_list},
	{"alias remove", "ALIAS [TARGET...]", "Remove targets of an alias, or all of it.", NULL, cmd_alias_remove},
	{"domain add", "DOMAIN [--no-keys]", "Take mail for a domain, and make its keys.", NULL, cmd_domain_add},
	{"domain check", "DOMAIN", "Compare what DNS says with what it should.", NULL, cmd_domain_check},
	{"domain dns", "DOMAIN [--table]", "The DNS records to publish, as a zone file.", NULL, cmd_domain_dns},
	{"domain list", "", "All domains.", NULL, cmd_domain_list},
	{"domain rotate", "DOMAIN", "Change its keys: the next step.", NULL, cmd_domain_rotate},
	{"domain remove", "DOMAIN", "No longer take mail for a domain.", NULL, cmd_domain_remove},
	{"import", "ADDRESS PATH... [OPTION]...", "Bring mail in from mbox, Maildir or .eml files.",
	    "  --format F       auto (default), mbox, maildir or eml\n"
	    "  --mailbox NAME   the mailbox, or below which the mailboxes of a tree go\n"
	    "  --dry-run        read everything, store nothing\n"
	    "  --again          what was imported before too\n"
	    "  --ignore-quota   more than the account may hold\n"
	    "Interrupted, the same command goes on where it was; run again, it takes\n"
	    "what is new.  It works on the store itself: run it as root or as the\n"
	    "store's owner.  The daemons may run.\n", cmd_import},
	{"export", "ADDRESS DIR --format mbox|maildir|eml [--mailbox NAME]", "Write an account's mail to files.",
	    "  --mailbox NAME   only that, and what is below it\n"
	    "DIR is made, or is empty.  `mailctl import' reads it as it was.\n", cmd_export},
	{"backup list", "[DIR]", "The snapshots of a directory, and how old they are.", NULL, cmd_backup_list},
	{"backup", "[DIR] [--whole] [--keep N]", "Copy the store as it is now, while it is used.",
	    "DIR is made, or has earlier ones: what they have is not copied again.\n"
	    "Without it: the one of backup.dir, by maild if it runs.\n"
	    "  --whole    share nothing with earlier ones\n"
	    "  --keep N   remove all but the N newest (default: of DIR none, of backup.dir\n"
	    "             as backup.keep says)\n", cmd_backup},
	{"restore", "SNAPSHOT [--to STORE] [--replace] [--damaged]", "Make a store of a backup.",
	    "SNAPSHOT is its path, or the name of one in backup.dir, or newest.\n"
	    "  --to STORE   where (default: server.store); the daemons must not run\n"
	    "  --replace    there may be a store: it is kept in STORE/before-restore-TIME\n"
	    "  --damaged    take what is whole of a damaged one\n"
	    "What waits in its queue is held, since it may have been sent after the backup.\n",
	    cmd_restore},
	{"verify", "[--backup SNAPSHOT]", "Read every message and compare it with its hash.",
	    "Names each that is damaged.  The daemons may run.\n"
	    "  --backup SNAPSHOT   of a backup: its path, or a name in backup.dir, or newest\n",
	    cmd_verify},
	{"mailbox list", "ADDRESS", "All mailboxes of an account.", NULL, cmd_mailbox_list},
	{"mailbox create", "ADDRESS NAME [--use USE]", "Make a mailbox; USE: archive, drafts, junk, sent, trash.", NULL, cmd_mailbox_change},
	{"mailbox rename", "ADDRESS NAME NEW-NAME", "Rename a mailbox and all below it.", NULL, cmd_mailbox_change},
	{"mailbox delete", "ADDRESS NAME --yes", "Delete a mailbox and its mail.", NULL, cmd_mailbox_change},
	{"mailbox subscribe", "ADDRESS NAME", "Have user agents show a mailbox.", NULL, cmd_mailbox_change},
	{"mailbox unsubscribe", "ADDRESS NAME", "End that.", NULL, cmd_mailbox_change},
#define QUEUE_WHICH                                                            \
	"  --domain PATTERN      where it goes; after reroute: =HOST:PORT\n"   \
	"  --sender PATTERN      the sender; <> is the null one\n"             \
	"  --recipient PATTERN   the recipient, or the alias it came by\n"     \
	"  --state STATE         waiting, held, scheduled or paused\n"         \
	"  --older TIME          it came so long ago or earlier: 30m, 4h, 2d\n" \
	"  --newer TIME          it came since then\n"
#define QUEUE_PATTERNS                                                         \
	"In a PATTERN * stands for anything and ? for one character.  All that\n" \
	"is given must be true of a recipient.\n"
#define QUEUE_ORDER QUEUE_WHICH "  --all                 everything\n" QUEUE_PATTERNS
	{"queue list", "[--domain P] [--sender P] [--recipient P] [--state S] [--older T] [--newer T] [--max N]",
	    "Mail that waits to be relayed.",
	    QUEUE_WHICH "  --max N               at most so many (default: 100)\n" QUEUE_PATTERNS
	    "`mailctl queue' alone does the same.\n", cmd_queue_list},
	{"queue show", "ID", "All that is known of a message that waits, and what was said.", NULL, cmd_queue_show},
	{"queue summary", "[--max N]", "What waits, by destination and age.",
	    "Each column counts what is younger than its head says, and older than the\n"
	    "one before.\n", cmd_queue_summary},
	{"queue retry", "ID | --domain P ... | --all", "Try now.",
	    QUEUE_ORDER "What is scheduled goes early only by its ID or --state scheduled.\n",
	    cmd_queue_change},
	{"queue hold", "ID | --domain P ... | --all", "Do not try until released.", QUEUE_ORDER, cmd_queue_change},
	{"queue release", "ID | --domain P ... | --all", "End a hold.", QUEUE_ORDER, cmd_queue_change},
	{"queue drop", "ID | --domain P ... | --all", "Forget it: nobody is told.", QUEUE_ORDER, cmd_queue_change},
	{"queue reroute", "(ID | --domain P ... | --all) --to HOST[:PORT] | mx", "Send it to another server.",
	    "  --to HOST[:PORT]      this server (default: port 25)\n"
	    "  --to mx               where DNS says again\n" QUEUE_ORDER, cmd_queue_reroute},
#undef QUEUE_ORDER
#undef QUEUE_PATTERNS
#undef QUEUE_WHICH
	{"queue recall", "ID", "Take a message back, for who has sent it.",
	    "What has gone already stays gone; it says which that is.\n", cmd_queue_recall},
	{"queue pause", "DOMAIN [WHY]", "Send nothing to a domain until it is resumed.", NULL, cmd_queue_pause},
	{"queue resume", "DOMAIN", "End that.", NULL, cmd_queue_resume},
	{"suppress list", "", "Addresses that other servers said do not exist.",
	    "`mailctl suppress' alone does the same.  relay.suppress_after says from how many\n"
	    "refusals on mail for one is returned at once.\n", cmd_suppress_list},
	{"suppress remove", "ADDRESS", "Try such an address again.", NULL, cmd_suppress_remove},
	{"smarthost add", "DOMAIN HOST[:PORT] [--tls may|verify|inside] [--login NAME]",
	    "Give mail for a domain to this server instead of its MX.",
	    "DOMAIN may be '*': every domain without a smarthost of its own.\n"
	    "  --tls verify   STARTTLS, and only if its certificate is good (default)\n"
	    "  --tls inside   TLS from the start, as on port 465; likewise\n"
	    "  --tls may      TLS where it is offered, with whomever\n"
	    "  --login NAME   log in there; the password is asked for, or is the first\n"
	    "                 line of standard input\n", cmd_smarthost_add},
	{"smarthost list", "", "All of them.", NULL, cmd_smarthost_list},
	{"smarthost remove", "DOMAIN", "Let mail go to the domain's MX again.", NULL, cmd_smarthost_remove},
	{"journey", "ID | MESSAGE-ID | ADDRESS [--max N] [--follow]", "What happened to a message, or to those of an address.",
	    "  --max N    at most so many messages (default: 10; with --follow, the newest)\n"
	    "  --follow   go on until nothing is to come; with --json, a line for each hop\n", cmd_journey},
	{"explain", "ID | MESSAGE-ID", "Why a message was accepted, put into Junk or refused.",
	    "Shows each check (SPF, DKIM, ARC, DMARC ...), what it looked at, what it found,\n"
	    "and the setting that decided.\n", cmd_explain},
	{"search rebuild", "", "Forget the index of searches; maild builds it again.", NULL, cmd_search_rebuild},
	{"check", "", "Look for what is wrong: settings, files, store.", NULL, cmd_check},
	{"status", "", "What runs, and how much there is.", NULL, cmd_status},
	{"metrics", "", "The figures of maild and of the store, for Prometheus.", NULL, cmd_metrics},
};
/* clang-format on */

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void
print_overview(FILE *out)
{
	fputs("usage: mailctl [-c FILE] COMMAND...\n\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(
		    out, "  %-21s%s\n", commands[i].words, commands[i].help);
	fputs(
	    "\nmailctl COMMAND --help says more; mailctl(1) says all.\n", out);
}

/* Does argv begin with the command's words?  Then how many they are. */
static int
matching_words(const struct cli_command *command, int argc, char **argv)
{
	struct str words = str_of(command->words);
	int n = 0;

	while (words.len > 0) {
		struct str word = str_cut(&words, ' ');
		if (n == argc || !str_eq(str_of(argv[n]), word))
			return 0;
		n++;
	}
	return n;
}

/* "mailctl queue", "mailctl queue --state held": the list is meant. */
static int
lists_alone(const struct cli_command *command, int argc, char **argv)
{
	static const char *const lists[] = {"queue list", "suppress list"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (str_eq(str_of(lists[i]), str_of(command->words)) &&
		    str_starts(str_of(lists[i]), str_of(argv[0])) &&
		    lists[i][strlen(argv[0])] == ' ')
			return argc == 1 || argv[1][0] == '-';
	return 0;
}

/* "mailctl user" or "mailctl user --help": the group's commands. */
static bool
print_group(struct str group, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		struct str words = str_of(commands[i].words);
		if (!str_eq(str_cut(&words, ' '), group) || words.len == 0)
			continue;
		fprintf(out, "%s mailctl %s %s\n",
		    any ? "      " : "usage:", commands[i].words,
		    commands[i].args);
		any = true;
	}
	return any;
}

static int
dispatch(struct cli *cli, int argc, char **argv)
{
	bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 ||
				    strcmp(argv[1], "-h") == 0);

	for (size_t i = 0; i < N_COMMANDS; i++) {
		int n = matching_words(&commands[i], argc, argv);
		if (n == 0 && !help)
			n = lists_alone(&commands[i], argc, argv);
		if (n > 0) {
			cli->command = &commands[i];
			return commands[i].run(cli, argc - n + 1, argv + n - 1);
		}
	}
	if (print_group(str_of(argv[0]), help ? stdout : stderr))
		return help ? CLI_OK : CLI_USAGE;
	if (argv[0][0] == '-')
		cli_complain("options but -c stand after the command: \"%s\"; "
			     "see mailctl --help",
		    argv[0]);
	else
		cli_complain(
		    "there is no command \"%s\": see mailctl --help", argv[0]);
	return CLI_USAGE;
}

int
main(int argc, char **argv)
{
	const char *file = getenv("PENNYPOST_CONF");
	struct cli cli = {.conf_file = file != NULL ? file : CONF_DEFAULT_FILE};
	int at = 1;

	signal(SIGPIPE, SIG_IGN);
	while (at < argc && strcmp(argv[at], "-c") == 0) {
		if (at + 1 == argc) {
			cli_complain("-c needs a file");
			return CLI_USAGE;
		}
		cli.conf_file = argv[at + 1];
		at += 2;
	}
	if (at == argc) {
		print_overview(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0 ||
	    strcmp(argv[at], "help") == 0) {
		print_overview(stdout);
		return CLI_OK;
	}
	if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-V") == 0) {
		puts("mailctl (Penny Post) " PP_VERSION);
		return CLI_OK;
	}
	return dispatch(&cli, argc - at, argv + at);
}
