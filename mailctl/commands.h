/* SPDX-License-Identifier: MIT */
/* commands: the functions behind the table of main.c, one file per group. */
#ifndef MAILCTL_COMMANDS_H
#define MAILCTL_COMMANDS_H

#include "mailctl/cli.h"

cli_run cmd_run, cmd_dev, cmd_demo, cmd_advance;
cli_run cmd_user_add, cmd_user_list, cmd_user_passwd, cmd_user_quota,
    cmd_user_disable, cmd_user_enable, cmd_user_remove;
cli_run cmd_app_password_add, cmd_app_password_list, cmd_app_password_remove;
cli_run cmd_alias_add, cmd_alias_list, cmd_alias_remove;
cli_run cmd_domain_add, cmd_domain_list, cmd_domain_remove, cmd_domain_rotate,
    cmd_domain_dns, cmd_domain_check;
cli_run cmd_queue_list, cmd_queue_show, cmd_queue_change, cmd_queue_reroute,
    cmd_queue_recall, cmd_queue_pause, cmd_queue_resume, cmd_queue_summary;
cli_run cmd_suppress_list, cmd_suppress_remove;
cli_run cmd_smarthost_add, cmd_smarthost_list, cmd_smarthost_remove;
cli_run cmd_import, cmd_export;
cli_run cmd_backup, cmd_backup_list, cmd_restore, cmd_verify;
cli_run cmd_mailbox_list, cmd_mailbox_change, cmd_user_imap;
cli_run cmd_journey, cmd_explain, cmd_check, cmd_status, cmd_metrics,
    cmd_search_rebuild;

#endif
