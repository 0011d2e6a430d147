/* SPDX-License-Identifier: MIT */
/*
 * keys: every setting there is.  The one list from which the struct, the
 * parser, the defaults, `mailctl check' and the man page's table come.
 *
 * K(section, name, TYPE, default, least, most, "What it does.")
 * TYPE: TEXT (string), SIZE ("50M"), COUNT, TIME ("5m", "4h", "10s", "5d";
 * kept in ms), BOOL (yes/no), LIST (words separated by spaces).
 * Default, least and most are written as in the file.  SIZE, COUNT and TIME
 * have a least and a most, the others none.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#define CONF_KEYS(K)                                                           \
	K(server, hostname, TEXT, "", "", "",                                  \
	    "Name of this host in greetings, Received and EHLO.  Empty: the "  \
	    "system's own name.")                                              \
	K(server, store, TEXT, "/var/lib/pennypost", "", "",                   \
	    "Directory of the mail store.")                                    \
	K(server, runtime, TEXT, "/run/pennypost", "", "",                     \
	    "Directory of the sockets between the daemons.")                   \
	K(server, postmaster, TEXT, "", "", "",                                \
	    "Address that gets mail for postmaster and abuse.  Empty: the "    \
	    "first account.")                                                  \
	K(server, user, TEXT, "", "", "",                                      \
	    "User to become when started as root.  Empty: pennypost-smtpd, "   \
	    "-maild, -popd if they exist.")                                    \
	K(server, sandbox, BOOL, "yes", "", "",                                \
	    "Confine each daemon to its files and system calls (Landlock, "    \
	    "seccomp).  no: a way out when that is in the way.")               \
	K(tls, certificate, TEXT, "/etc/pennypost/cert.pem", "", "",           \
	    "PEM file: certificate of this host, then its chain.")             \
	K(tls, key, TEXT, "/etc/pennypost/key.pem", "", "",                    \
	    "PEM file: its private key.")                                      \
	K(listen, smtp, LIST, "*:25", "", "",                                  \
	    "Where mail from other servers arrives.")                          \
	K(listen, submission, LIST, "*:587", "", "",                           \
	    "Where user agents submit, with STARTTLS.")                        \
	K(listen, submissions, LIST, "*:465", "", "",                          \
	    "Where user agents submit, under TLS from the start.")             \
	K(listen, pop3, LIST, "*:110", "", "", "POP3 with STLS.")              \
	K(listen, pop3s, LIST, "*:995", "", "",                                \
	    "POP3 under TLS from the start.")                                  \
	K(listen, imap, LIST, "*:143", "", "", "IMAP with STARTTLS.")          \
	K(listen, imaps, LIST, "*:993", "", "",                                \
	    "IMAP under TLS from the start.")                                  \
	K(limits, message_size, SIZE, "50M", "1K", "4G",                       \
	    "Largest message accepted.")                                       \
	K(limits, recipients, COUNT, "1000", "1", "10000",                     \
	    "Most recipients of one message.")                                 \
	K(limits, received, COUNT, "100", "1", "1000",                         \
	    "A message with more Received fields than this is in a loop.")     \
	K(limits, header_size, SIZE, "256K", "1K", "16M",                      \
	    "Largest header block accepted.")                                  \
	K(limits, header_count, COUNT, "1000", "10", "100000",                 \
	    "Most header fields accepted.")                                    \
	K(limits, errors, COUNT, "10", "1", "1000",                            \
	    "Errors after which a session is ended.")                          \
	K(limits, connections, COUNT, "12000", "1", "100000",                  \
	    "Most connections a daemon serves at once.")                       \
	K(limits, connections_per_address, COUNT, "20", "1", "100000",         \
	    "Most connections from one address (IPv6: /64); for POP3 and "     \
	    "IMAP, before login.")                                             \
	K(limits, connections_per_account, COUNT, "100", "1", "100000",        \
	    "Most POP3 and IMAP connections of one account: some user agents " \
	    "take thirty.")                                                    \
	K(limits, auth_failures, COUNT, "10", "1", "100000",                   \
	    "Failed logins from one address in ten minutes before it must "    \
	    "wait.")                                                           \
	K(timeouts, smtp_command, TIME, "5m", "1s", "1d",                      \
	    "Longest wait for an SMTP command or a block of data (RFC 5321 "   \
	    "s4.5.3.2).")                                                      \
	K(timeouts, smtp_data, TIME, "30m", "1s", "1d",                        \
	    "Longest time a whole message may take to arrive.")                \
	K(timeouts, pop3_idle, TIME, "10m", "1s", "1d",                        \
	    "Longest silence of a POP3 client (RFC 1939 s3).")                 \
	K(timeouts, imap_idle, TIME, "30m", "1s", "1d",                        \
	    "Longest silence of an IMAP client that is not in IDLE (RFC 9051 " \
	    "s5.4).")                                                          \
	K(timeouts, stall, TIME, "5m", "1s", "1d",                             \
	    "Longest time a peer may need to take 16 KiB of our output.")      \
	K(timeouts, handshake, TIME, "10s", "1s", "10m",                       \
	    "Longest TLS handshake.")                                          \
	K(imap, capabilities_off, TEXT, "COMPRESS=DEFLATE UIDONLY", "", "",    \
	    "IMAP capabilities not offered, a space between: some clients "    \
	    "fail with them.")                                                 \
	K(smtp, extensions_off, TEXT, "", "", "",                              \
	    "SMTP extensions not offered, a space between: CHUNKING, DSN ...") \
	K(smtp, mechanisms, TEXT, "PLAIN LOGIN", "", "",                       \
	    "How user agents may log in to submit.  SCRAM-SHA-256 and "        \
	    "SCRAM-SHA-256-PLUS are known too; some agents fail with them.")   \
	K(smtp, hold_most, TIME, "7d", "0s", "60d",                            \
	    "Longest time a user agent may have a message held (RFC 4865).  "  \
	    "0s: not offered.")                                                \
	K(smtp, greet_delay, TIME, "2s", "0s", "30s",                          \
	    "Wait before the greeting of an unknown server: who talks before " \
	    "it is not one.")                                                  \
	K(policy, exempt, LIST, "127.0.0.0/8 ::1", "", "",                     \
	    "Networks whose mail is not judged.  `none': all is.")             \
	K(policy, proxies, LIST, "", "", "",                                   \
	    "Networks of proxies.  Their connections begin with a PROXY "      \
	    "header.")                                                         \
	K(policy, dmarc_reject, BOOL, "yes", "", "",                           \
	    "Refuse what fails DMARC if its domain asks for that.  no: Junk.") \
	K(policy, spf_fail, TEXT, "junk", "", "",                              \
	    "accept, junk or refuse: mail that SPF fails and nothing speaks "  \
	    "for.")                                                            \
	K(policy, trusted_sealers, LIST, "", "", "",                           \
	    "Domains of forwarders whose ARC seal is believed.")               \
	K(policy, received_spf, BOOL, "no", "", "",                            \
	    "Write Received-SPF beside Authentication-Results.")               \
	K(policy, dns_time, TIME, "10s", "1s", "20s",                          \
	    "Longest time for all DNS questions about one message.")           \
	K(policy, dnsbl, LIST, "zen.spamhaus.org=10", "", "",                  \
	    "Lists of known senders of abuse, each with its weight.  `none': " \
	    "ask nobody.")                                                     \
	K(policy, dnsbl_refuse, COUNT, "10", "1", "1000",                      \
	    "Weight from which on a listed address is refused.")               \
	K(policy, greylist, BOOL, "yes", "", "",                               \
	    "Ask an unknown server without a name or SPF to come again "       \
	    "(RFC 6647).")                                                     \
	K(policy, greylist_wait, TIME, "1m", "1s", "1d",                       \
	    "How long it must wait.")                                          \
	K(policy, reputation, BOOL, "yes", "", "",                             \
	    "Learn from what people answer, keep and move to Junk.")           \
	K(policy, connection_rate, COUNT, "60", "1", "100000",                 \
	    "Most new connections a minute from one address (IPv6: /64).")     \
	K(policy, message_rate, COUNT, "300", "1", "1000000",                  \
	    "Most messages a minute from one address (IPv6: /64).")            \
	K(submission, messages_per_hour, COUNT, "200", "0", "1000000",         \
	    "Most messages an account may send in an hour.  0: no limit.")     \
	K(submission, recipients_per_day, COUNT, "1000", "0", "1000000",       \
	    "Most recipients in a day.  0: no limit.")                         \
	K(submission, new_recipients_per_day, COUNT, "200", "0", "1000000",    \
	    "Most recipients in a day that the account never wrote to "        \
	    "before.  0: no limit.")                                           \
	K(submission, sign, BOOL, "yes", "", "",                               \
	    "Sign what is submitted (DKIM), seal and rewrite what is "         \
	    "forwarded (ARC, SRS).")                                           \
	K(submission, undo, TIME, "0s", "0s", "1h",                            \
	    "Keep what user agents submit so long before it goes: meanwhile "  \
	    "`mailctl queue recall', or deleting it from Pending, stops it.")  \
	K(submission, pending, BOOL, "yes", "", "",                            \
	    "Show what an account has sent and is not delivered yet in its "   \
	    "IMAP mailbox Pending.")                                           \
	K(relay, port, COUNT, "25", "1", "65535", "Port of other servers.")    \
	K(relay, source, LIST, "", "", "",                                     \
	    "Addresses that connections to other servers come from, at most "  \
	    "one of IPv4 and one of IPv6.  Empty: the system's choice.")       \
	K(relay, dane, BOOL, "yes", "", "",                                    \
	    "Obey the TLSA records of other servers (RFC 7672).")              \
	K(relay, mta_sts, BOOL, "yes", "", "",                                 \
	    "Fetch and obey MTA-STS policies of other domains (RFC 8461).")    \
	K(relay, tls_reports, BOOL, "yes", "", "",                             \
	    "Tell domains that ask for it, once a day, how safe sessions "     \
	    "with them were (RFC 8460).")                                      \
	K(relay, trust, TEXT, "", "", "",                                      \
	    "PEM file of the CAs that other servers' certificates must come "  \
	    "from, where one must be verified.  Empty: the system's.")         \
	K(relay, linger, TIME, "2s", "0s", "5m",                               \
	    "How long a connection without mail is kept for more.")            \
	K(relay, suppress_after, COUNT, "3", "0", "1000",                      \
	    "An address that other servers said so often in a row not to "     \
	    "exist is not tried again.  0: every address is.")                 \
	K(relay, suppress_for, TIME, "30d", "1s", "400d",                      \
	    "How long such an address is remembered.")                         \
	K(relay, retry_first, TIME, "5m", "100ms", "1d",                       \
	    "Wait before the first retry; doubles each time.")                 \
	K(relay, retry_most, TIME, "4h", "100ms", "7d",                        \
	    "Longest wait between retries.")                                   \
	K(relay, expire, TIME, "5d", "1s", "30d",                              \
	    "How long a message is tried before it is returned.")              \
	K(relay, delay_notice, TIME, "4h", "1s", "30d",                        \
	    "After this time the sender is told that a message still waits.")  \
	K(relay, connections_per_destination, COUNT, "5", "1", "1000",         \
	    "Most connections to one destination at once.")                    \
	K(relay, connections, COUNT, "200", "1", "10000",                      \
	    "Most outgoing connections at once.")                              \
	K(relay, timeout, TIME, "5m", "1s", "1h",                              \
	    "Longest wait for another server's reply (10 minutes after the "   \
	    "final dot).")                                                     \
	K(relay, local_addresses, BOOL, "no", "", "",                          \
	    "Deliver to MX hosts on loopback addresses: for tests and demos.") \
	K(dns, forward, TEXT, "", "", "",                                      \
	    "Ask this server (address:port) instead of those of "              \
	    "/etc/resolv.conf.")                                               \
	K(dns, trust_anchor, TEXT, "", "", "",                                 \
	    "File with DNSSEC trust anchors.  Empty: the root's, and none "    \
	    "for "                                                             \
	    "a server of dns.forward.")                                        \
	K(backup, dir, TEXT, "", "", "",                                       \
	    "Directory of the backups that maild makes: it must be able to "   \
	    "write there.  Empty: none are made.")                             \
	K(backup, every, TIME, "1d", "1s", "60d", "How often.")                \
	K(backup, keep, COUNT, "7", "1", "10000", "How many are kept.")        \
	K(backup, drill, TIME, "7d", "0s", "400d",                             \
	    "How often the newest is restored into a temporary directory, "    \
	    "checked and removed.  0s: never.")                                \
	K(metrics, listen, LIST, "", "", "",                                   \
	    "Loopback addresses (127.0.0.1:9090) where Prometheus finds "      \
	    "maild's figures.")                                                \
	K(test, https_port, COUNT, "443", "1", "65535",                        \
	    "Port of the hosts of MTA-STS policies.  For tests only.")         \
	K(test, clock, TEXT, "", "", "",                                       \
	    "File with what is added to the time: `mailctl advance' moves "    \
	    "it.  For tests only.")                                            \
	K(test, accept_any, BOOL, "no", "", "",                                \
	    "Make an account when mail or a login for it arrives.  For tests " \
	    "only.")                                                           \
	K(test, allow_plaintext, BOOL, "no", "", "",                           \
	    "Let clients log in without TLS.  For tests only.")

#endif
