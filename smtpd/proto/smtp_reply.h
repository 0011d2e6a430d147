/* SPDX-License-Identifier: MIT */
/*
 * smtp_reply: every reply the SMTP server can give, in one table.
 *
 * R(NAME, code, "enhanced status code", flags, "text").  A `%' in the text
 * stands for the argument of smtp_reply_add().  Codes: RFC 5321 s4.2,
 * enhanced codes: RFC 3463, where RFC 2034 wants them (2xx, 4xx, 5xx, but
 * not the greeting nor the answer to EHLO and HELO).
 *
 * Flag REPLY_FAULT: counts towards the errors after which a session ends.
 * A 421 ends the session (RFC 5321 s3.8).
 */
#ifndef SMTPD_PROTO_SMTP_REPLY_H
#define SMTPD_PROTO_SMTP_REPLY_H

#include "common/util/buf.h"

#define REPLY_FAULT (1 << 0)

/* clang-format off */
#define SMTP_REPLIES(R)                                                        \
	R(OK, 250, "2.0.0", 0, "Ok")                                           \
	R(GREETING, 220, "", 0, "% ESMTP Penny Post")                          \
	R(HELLO, 250, "", 0, "%")                                              \
	R(BYE, 221, "2.0.0", 0, "% says goodbye")                              \
	R(HELP, 214, "2.0.0", 0, "%")                                          \
	R(TLS_GO_AHEAD, 220, "2.0.0", 0, "Ready to start TLS")                 \
	R(AUTH_OK, 235, "2.7.0", 0, "Authentication successful")               \
	R(AUTH_CHALLENGE, 334, "", 0, "%")                                     \
	R(SENDER_OK, 250, "2.1.0", 0, "Sender ok")                             \
	R(RECIPIENT_OK, 250, "2.1.5", 0, "Recipient ok")                       \
	R(CANNOT_VERIFY, 252, "2.5.0", 0, "Cannot say, but mail is accepted for whom there is") \
	R(DATA_GO_AHEAD, 354, "", 0, "End data with <CR><LF>.<CR><LF>")        \
	R(QUEUED, 250, "2.0.0", 0, "Ok: queued as %")                          \
	/* 4xx: later, perhaps */                                              \
	R(SHUTDOWN, 421, "4.3.2", 0, "% is shutting down, try again later")    \
	R(TIMEOUT, 421, "4.4.2", 0, "Waited too long, closing")                \
	R(DATA_TIMEOUT, 421, "4.4.2", 0, "The message took too long to arrive, closing") \
	R(TOO_MANY_ERRORS, 421, "4.7.0", 0, "Too many errors, closing")        \
	R(TOO_MUCH_JUNK, 421, "4.7.0", 0, "Too many commands without mail, closing") \
	R(TOO_MANY_FAILURES, 421, "4.7.0", 0, "Too many failed logins, closing") \
	R(TOO_MANY_CONNECTIONS, 421, "4.7.0", 0, "Too many connections, try again later") \
	R(TRY_LATER, 451, "4.3.0", 0, "Temporary trouble here, try again later") \
	R(DISK_FULL, 452, "4.3.1", 0, "Storage is full, try again later")      \
	R(MAILBOX_FULL, 452, "4.2.2", 0, "Mailbox is full")                    \
	R(TOO_MANY_RECIPIENTS, 452, "4.5.3", 0, "Too many recipients, send the rest in another message") \
	R(TOO_MANY_NEW, 421, "4.7.0", 0, "Too many new connections, try again later") \
	R(TOO_MANY_LOGINS, 421, "4.7.0", 0, "Too many logins, try again later") \
	R(TOO_FAST, 450, "4.7.1", 0, "Too many messages from your address, try again later") \
	R(GREYLISTED, 451, "4.7.1", 0, "You are new here: please try again in a few minutes") \
	R(DEFERRED, 451, "4.7.0", 0, "%")                                      \
	R(SPF_DEFERRED, 451, "4.7.24", 0, "%")                                 \
	R(OVER_ALLOWANCE, 450, "4.7.1", 0, "%")                                \
	R(CANNOT_SIGN, 451, "4.7.5", 0, "The message cannot be signed now, try again later") \
	R(AUTH_TEMPORARY, 454, "4.7.0", 0, "Temporary authentication failure") \
	/* 5xx: the command */                                                 \
	R(UNKNOWN_COMMAND, 500, "5.5.1", REPLY_FAULT, "No such command")       \
	R(BAD_LINE, 500, "5.5.2", REPLY_FAULT, "Lines end in CRLF and hold no other CR, LF or NUL") \
	R(LONG_LINE, 500, "5.5.2", REPLY_FAULT, "Line too long")               \
	R(LONG_AUTH_LINE, 500, "5.5.6", REPLY_FAULT, "Authentication line too long") \
	R(NOT_SMTP, 500, "5.5.1", REPLY_FAULT, "This is a mail server")        \
	R(NO_ARGUMENT_TAKEN, 501, "5.5.4", REPLY_FAULT, "No argument allowed") \
	R(ARGUMENT_MISSING, 501, "5.5.4", REPLY_FAULT, "Argument missing")     \
	R(BAD_NAME, 501, "5.5.4", REPLY_FAULT, "Give a host name or an address literal") \
	R(BAD_SENDER, 501, "5.1.7", REPLY_FAULT, "Syntax: MAIL FROM:<address>") \
	R(BAD_RECIPIENT, 501, "5.1.3", REPLY_FAULT, "Syntax: RCPT TO:<address>") \
	R(BAD_PARAMETER, 501, "5.5.4", REPLY_FAULT, "Syntax error in parameter") \
	R(BAD_BASE64, 501, "5.5.2", REPLY_FAULT, "Malformed authentication response") \
	R(AUTH_CANCELLED, 501, "5.7.0", REPLY_FAULT, "Authentication cancelled") \
	R(NOT_OFFERED, 502, "5.5.1", REPLY_FAULT, "Not offered here")          \
	R(NO_EXPANSION, 502, "5.5.1", REPLY_FAULT, "Lists are not expanded here") \
	R(NO_CHUNKING, 502, "5.5.1", REPLY_FAULT, "CHUNKING is not offered, closing") \
	R(HELLO_FIRST, 503, "5.5.1", REPLY_FAULT, "Say EHLO first")            \
	R(WRONG_ORDER, 503, "5.5.1", REPLY_FAULT, "Not now: bad sequence of commands") \
	R(MAIL_FIRST, 503, "5.5.1", REPLY_FAULT, "Say MAIL first")             \
	R(NESTED_MAIL, 503, "5.5.1", REPLY_FAULT, "One message at a time")     \
	R(AUTH_TWICE, 503, "5.5.1", REPLY_FAULT, "Already authenticated")      \
	R(TLS_TWICE, 503, "5.5.1", REPLY_FAULT, "TLS is on already")           \
	R(UNKNOWN_MECHANISM, 504, "5.5.4", REPLY_FAULT, "No such authentication mechanism") \
	R(TLS_FIRST, 530, "5.7.0", REPLY_FAULT, "Say STARTTLS first")          \
	R(AUTH_FIRST, 530, "5.7.0", REPLY_FAULT, "Authentication required")    \
	R(AUTH_BAD, 535, "5.7.8", 0, "Wrong name or password")                 \
	R(TLS_FOR_AUTH, 538, "5.7.11", REPLY_FAULT, "Encryption required to log in") \
	R(UNKNOWN_PARAMETER, 555, "5.5.4", REPLY_FAULT, "Parameter not known") \
	/* 5xx: the address */                                                 \
	R(NO_VALID_RECIPIENTS, 554, "5.5.1", REPLY_FAULT, "No valid recipients") \
	R(NEEDS_SMTPUTF8, 553, "5.6.7", REPLY_FAULT, "Address needs SMTPUTF8") \
	R(ROUTED_SENDER, 553, "5.1.7", REPLY_FAULT, "Source routes are not taken in MAIL") \
	R(NOT_YOUR_SENDER, 553, "5.7.1", REPLY_FAULT, "Sender address is not yours") \
	R(NULL_SENDER, 550, "5.7.1", REPLY_FAULT, "A user agent has a sender address") \
	R(NO_SUCH_USER, 550, "5.1.1", REPLY_FAULT, "No such mailbox here")     \
	R(NO_RELAY, 550, "5.7.1", REPLY_FAULT, "Not ours, and not relayed")    \
	R(NO_LITERAL, 550, "5.1.2", REPLY_FAULT, "Address literals are not relayed to") \
	R(ALIAS_LOOP, 550, "5.4.6", REPLY_FAULT, "The alias leads back to itself") \
	R(TALKS_EARLY, 554, "5.5.1", 0, "You talk before the greeting")        \
	R(LISTED, 554, "5.7.1", 0, "%")                                        \
	R(NOT_YOUR_NAME, 550, "5.7.1", REPLY_FAULT, "That is our name, not yours") \
	R(REQUIRETLS_HERE, 530, "5.7.10", REPLY_FAULT, "REQUIRETLS needs TLS")  \
	R(NO_BINARY_IN_DATA, 503, "5.5.1", REPLY_FAULT, "BINARYMIME is sent with BDAT") \
	R(BAD_CHUNK, 501, "5.5.4", REPLY_FAULT, "Syntax: BDAT octets [LAST]")   \
	R(HOLD_TOO_LONG, 501, "5.5.4", REPLY_FAULT, "Messages are held for % seconds at most") \
	R(CHUNK_TAKEN, 250, "2.0.0", 0, "% octets received")                   \
	/* 5xx: the message */                                                 \
	R(REFUSED, 550, "5.7.1", 0, "%")                                       \
	R(SPF_REFUSED, 550, "5.7.23", 0, "%")                                  \
	R(BARE_NEWLINE, 550, "5.6.11", 0, "Message has a bare CR or LF")       \
	R(HAS_NUL, 554, "5.6.0", 0, "Message has a NUL octet")                 \
	R(LONG_TEXT_LINE, 554, "5.6.0", 0, "Message has a line over 1048576 octets") \
	R(TOO_BIG, 552, "5.3.4", 0, "Message is over the limit of % octets")   \
	R(NOT_YOUR_FROM, 550, "5.7.1", 0, "From holds an address that is not yours") \
	R(BAD_SUBMISSION, 550, "5.6.0", 0, "%")                                \
	R(HEADER_TOO_BIG, 554, "5.6.0", 0, "Header is too long")               \
	R(HEADER_TOO_MANY, 554, "5.6.0", 0, "Too many header fields")          \
	R(HEADER_BAD, 554, "5.6.0", 0, "Header is malformed")                  \
	R(LOOP, 554, "5.4.6", 0, "Too many Received fields: a mail loop")
/* clang-format on */

enum smtp_reply {
#define R(name, code, enhanced, flags, text) REPLY_##name,
	SMTP_REPLIES(R)
#undef R
};

int smtp_reply_code(enum smtp_reply r);
unsigned smtp_reply_flags(enum smtp_reply r);

/* Append the reply as a line.  arg takes the place of the `%' and may be empty
 * where the text has none. */
void smtp_reply_add(struct buf *out, enum smtp_reply r, struct str arg);

/* One line of a reply of several: `more' says that another follows. */
void smtp_reply_add_line(
    struct buf *out, enum smtp_reply r, struct str line, bool more);

/* For the log: code, enhanced code and text without argument. */
void smtp_reply_describe(struct buf *out, enum smtp_reply r);

#endif
