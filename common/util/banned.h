/* SPDX-License-Identifier: MIT */
/*
 * banned: functions that have hurt too many programs.  Given to every
 * compilation by cmake/flags.cmake; the system headers come first so that
 * only our own code is judged.
 */
#ifndef UTIL_BANNED_H
#define UTIL_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(func)     sorry_##func##_is_banned_see_common_util_banned_h

#define strcpy(a, b)     BANNED(strcpy)
#define strcat(a, b)     BANNED(strcat)
#define strncpy(a, b, n) BANNED(strncpy)
#define strncat(a, b, n) BANNED(strncat)
#define strtok(a, b)     BANNED(strtok)
#define sprintf(...)     BANNED(sprintf)
#define vsprintf(...)    BANNED(vsprintf)
#define gets(a)          BANNED(gets)
#define atoi(a)          BANNED(atoi)
#define atol(a)          BANNED(atol)
#define strtol(a, b, c)  BANNED(strtol)
#define gmtime(a)        BANNED(gmtime)
#define localtime(a)     BANNED(localtime)
#define rand()           BANNED(rand)
#define system(a)        BANNED(system)
#define popen(a, b)      BANNED(popen)

#endif
