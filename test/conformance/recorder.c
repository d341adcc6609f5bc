/*
 * Stands in the place of a delegate, as interpreter of the file that has its name: `#!recorder REAL`, then shell or nothing. Notes each
 * call but VERSION in the folder `notes` beside the file (variables, an empty line, stdin), then becomes the shell with the text behind
 * the first line, or REAL with the same stdin. A shell script alone would start ten processes for that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 4 << 20 };

static char *read_all(int fd)
{
	char *text = malloc(LIMIT + 1);
	size_t length = 0;
	for (ssize_t n; text != NULL && length < LIMIT && (n = read(fd, text + length, LIMIT - length)) > 0;) length += (size_t)n;
	if (text == NULL) _exit(90);
	text[length] = 0;
	return text;
}

static void note(const char *folder, char **env, const char *input)
{
	struct timespec now;
	char hidden[4096], name[4096];
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(hidden, sizeof hidden, "%s/.%d", folder, getpid());
	snprintf(name, sizeof name, "%s/%lld%09ld-%d.call", folder, (long long)now.tv_sec, now.tv_nsec, getpid());
	FILE *file = fopen(hidden, "we");
	if (file == NULL) _exit(91);
	for (char **entry = env; *entry != NULL; entry++)
		if (strncmp(*entry, "CNI_", 4) == 0) fprintf(file, "%s\n", *entry);
	fprintf(file, "\n%s", input);
	if (fclose(file) != 0 || rename(hidden, name) != 0) _exit(91);
}

/* Value of "master" as far as it is a plain text, for scripts that tell NICs apart. */
static char *master_of(const char *input)
{
	const char *start = strstr(input, "\"master\":\"");
	if (start == NULL) return strdup("");
	start += strlen("\"master\":\"");
	return strndup(start, strcspn(start, "\""));
}

int main(int argc, char **argv, char **env)
{
	if (argc != 3) return 92;
	char *real = argv[1], *file = argv[2], notes[4096];
	const char *slash = strrchr(file, '/'), *command = getenv("CNI_COMMAND");
	snprintf(notes, sizeof notes, "%.*s/notes", (int)(slash - file), file);
	char *input = read_all(STDIN_FILENO);
	if (command == NULL || strcmp(command, "VERSION") != 0) note(notes, env, input);

	int source = open(file, O_RDONLY | O_CLOEXEC);
	char *script = strchr(read_all(source), '\n');
	if (script != NULL && script[strspn(script, " \n")] != 0) {
		char *text;
		setenv("real", real, 1);
		setenv("notes", notes, 1);
		setenv("in", input, 1);
		setenv("master", master_of(input), 1);
		if (asprintf(&text, "%s\nprintf '%%s' \"$in\" | \"$real\"\n", script) < 0) return 90;
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		return 93;
	}
	int again = memfd_create("stdin", 0);
	if (again < 0 || write(again, input, strlen(input)) < 0) return 90;
	lseek(again, 0, SEEK_SET);
	dup2(again, STDIN_FILENO);
	execl(real, real, (char *)NULL);
	return 94;
}
