/* SPDX-License-Identifier: MIT */
/*
 * replay: the kept corpus through the targets of one module, without libFuzzer.
 *
 *	fuzz_replay_MODULE CORPUS		CORPUS/TARGET/FILE of each
 *	fuzz_replay_MODULE TARGET FILE...	these, in this process
 *
 * Each target has a process of its own, so that one that dies does not hide
 * what the others find; which input killed it is said.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* FUZZ_TARGETS is T(fuzz_a)T(fuzz_b)... : tests.cmake */
#define T(name) int name(const uint8_t *data, size_t size);
FUZZ_TARGETS
#undef T

struct target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
};

static const struct target targets[] = {
#define T(name) {#name, name},
    FUZZ_TARGETS
#undef T
};

#define TARGETS (sizeof(targets) / sizeof(targets[0]))

/* Which input is run: shared with the process that waits. */
struct state {
	char file[PATH_MAX];
	unsigned n;
};

/* In a block of its own size, so that a step beyond its end is seen. */
static void
run_file(const struct target *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	if (fd == -1 || fstat(fd, &st) == -1 ||
	    (data = malloc((size_t)st.st_size)) == NULL ||
	    read(fd, data, (size_t)st.st_size) != st.st_size) {
		perror(path);
		exit(1);
	}
	close(fd);
	t->run(data, (size_t)st.st_size);
	free(data);
}

static void
run_all(const struct target *t, const char *corpus, struct state *state)
{
	char folder[PATH_MAX];
	struct dirent **names;
	int n;

	snprintf(folder, sizeof(folder), "%s/%s", corpus, t->name);
	n = scandir(folder, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (name[0] != '.') {
			snprintf(state->file, sizeof(state->file), "%s/%s/%s",
			    corpus, t->name, name);
			run_file(t, state->file);
			state->n++;
		}
		free(names[i]);
	}
	if (n != -1)
		free(names);
	state->file[0] = '\0';
	t->run((const uint8_t *)"", 0);
}

/* False: it died, or there is nothing to run. */
static bool
replay(const char *program, const struct target *t, const char *corpus,
    struct state *state)
{
	int status = 0;
	pid_t child;

	*state = (struct state){0};
	fflush(NULL);
	if ((child = fork()) == 0) {
		run_all(t, corpus, state);
		exit(0);
	}
	if (child == -1 || waitpid(child, &status, 0) == -1) {
		perror("fork");
		return false;
	}
	if (status == 0 && state->n > 0) {
		printf("%s: %u inputs\n", t->name, state->n);
		return true;
	}
	if (status == 0)
		printf("%s: no inputs in %s: scripts/fuzz --minimise %s\n",
		    t->name, corpus, t->name);
	else
		printf("%s: failed; to repeat: %s %s %s\n", t->name, program,
		    t->name,
		    state->file[0] != '\0' ? state->file : "/dev/null");
	return false;
}

int
main(int argc, char **argv)
{
	struct state *state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool good = true;

	if (argc < 2 || state == MAP_FAILED) {
		fprintf(stderr, "usage: %s CORPUS | TARGET FILE...\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < TARGETS; i++) {
		if (argc == 2) {
			good &= replay(argv[0], &targets[i], argv[1], state);
		} else if (strcmp(targets[i].name, argv[1]) == 0) {
			for (int k = 2; k < argc; k++)
				run_file(&targets[i], argv[k]);
			return 0;
		}
	}
	return argc == 2 && good ? 0 : 1;
}
