/* SPDX-License-Identifier: MIT */
/* acts_parts: the scripts of acts.c, which are in several files. */
#ifndef TESTS_FAULT_ACTS_PARTS_H
#define TESTS_FAULT_ACTS_PARTS_H

#include "tests/fault/world.h"

typedef int act_run(struct world *w, struct fail *f);

/* One write transaction that is one step. */
int acts_step(struct world *w, db_work *work, void *arg, struct fail *f);

/* Seal a stage of size octets of noise (seed) and deliver it to the first n of
 * alice, bob, carol and somebody elsewhere: one step. */
int acts_deliver(
    struct world *w, size_t size, uint64_t seed, size_t n, struct fail *f);

/* The same with text that compresses. */
int acts_deliver_text(struct world *w, size_t n, struct fail *f);

/* Copy the log, whether or not that is due; if it cannot be done nobody hears
 * of it. */
int acts_checkpoint(struct world *w, struct fail *f);

/* acts_arrive.c */
act_run act_deliver, act_deliver_many, act_deliver_large, act_deliver_equal,
    act_group, act_append;
void act_prepare_group(struct world *w);
bool act_group_holds(struct world *w, bool crashed);

/* acts_leave.c */
act_run act_relay, act_bounce, act_queue_orders;
void act_prepare_orders(struct world *w);

/* acts_mailbox.c */
act_run act_pop3, act_flags, act_copy, act_move, act_expunge, act_rename,
    act_rename_inbox, act_mailboxes;
void act_prepare_mailboxes(struct world *w);

/* acts_upkeep.c */
act_run act_search, act_checkpoint, act_sweep, act_removal, act_credentials;
void act_prepare_sweep(struct world *w);
void act_prepare_credentials(struct world *w);

/* acts_random.c */
act_run act_random;

/* acts_backup.c */
act_run act_backup, act_restore;
void act_prepare_backup(struct world *w);
void act_prepare_restore(struct world *w);
bool act_backup_holds(struct world *w, char why[WORLD_WHY_MAX]);
bool act_restore_holds(struct world *w, bool crashed);

/* acts_open.c */
act_run act_open;
void act_prepare_old(struct world *w);

#endif
