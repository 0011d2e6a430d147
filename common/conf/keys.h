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
	K(relay, port, COUNT, "25", "1", "65535", "Port of other servers.")    \
	K(relay, retry_first, TIME, "5m", "100ms", "1d",                       \
	    "Wait before the first retry; doubles each time.")                 \
	K(relay, retry_most, TIME, "4h", "100ms", "7d",                        \
	    "Longest wait between retries.")                                   \
	K(relay, expire, TIME, "5d", "1s", "30d",                              \
	    "How long a message is tried before it is returned.")              \
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
	K(test, accept_any, BOOL, "no", "", "",                                \
	    "Make an account when mail or a login for it arrives.  For tests " \
	    "only.")                                                           \
	K(test, allow_plaintext, BOOL, "no", "", "",                           \
	    "Let clients log in without TLS.  For tests only.")

#endif
