/* SPDX-License-Identifier: MIT */
/* remove_tree: a temporary directory with all that is in it. */
#ifndef MAILCTL_REMOVE_TREE_H
#define MAILCTL_REMOVE_TREE_H

/* Symbolic links are removed, never followed.  What cannot be removed stays. */
void remove_tree(const char *path);

#endif
