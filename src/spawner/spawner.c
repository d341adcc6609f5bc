/*
 * Starts programs for a process that is too large to fork: each fork of a Node process copies the tables of all its pages and makes
 * them fault again, 2 to 10 ms during which nothing else happens in it. This program is small, and its children share its memory until
 * they run (posix_spawn).
 *
 * Requests come on stdin, reports go to stdout, both as frames: u32 length of what follows, u8 kind, u32 id, rest; numbers in the
 * machine's order. It ends when stdin does; programs that still run are left alone, as after the end of any parent.
 *
 *   request 'r' run: u8 own group (setsid), u32 number of arguments, u32 of variables, u32 of files; then texts, each ended by a 0 byte:
 *               network namespace (path, or empty), arguments, variables (NAME=value), pairs of file and value; then stdin of the program.
 *               Files are written in that namespace before the program starts, as far as there are such (sysctls) and hold another value.
 *               Without arguments that is all, and no program starts.
 *           'k' kill: u32 signal, to the program or its group. 'd' drop: what it writes is not wanted any more.
 *   report  's' started: u32 pid. 'o', 'e': what it wrote to stdout, stderr. 'x': it ended; u32 status as of waitpid.
 *           'c': it has ended and its outputs are closed: nothing follows. 'f': cannot be started; u32 errno; nothing follows.
 *           'n': the namespace cannot be entered; u32 errno; nothing follows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FRAME = 64 << 20, MAX_TEXTS = 1 << 16, CHUNK = 64 << 10 };

struct job {
	struct job *next;
	uint32_t id;
	pid_t pid;
	int own_group, exited, status;
	int in, out, err;
	char *input;
	size_t at, length;
};

struct bytes {
	char *data;
	size_t length, room;
};

static struct job *jobs;
static size_t job_count;
static struct bytes requests, reports;
static int own_netns;

static void *need(void *memory)
{
	if (memory == NULL) _exit(3);
	return memory;
}

static void append(struct bytes *to, const void *data, size_t length)
{
	if (to->length + length > to->room) {
		to->room = (to->length + length) * 2;
		to->data = need(realloc(to->data, to->room));
	}
	if (length > 0) memcpy(to->data + to->length, data, length);
	to->length += length;
}

static void report(char kind, uint32_t id, const void *data, uint32_t length)
{
	uint32_t whole = length + 5;
	append(&reports, &whole, 4);
	append(&reports, &kind, 1);
	append(&reports, &id, 4);
	append(&reports, data, length);
}

static void report_number(char kind, uint32_t id, uint32_t number)
{
	report(kind, id, &number, 4);
}

/* Whoever reads them is slow now and then; then so is this program. */
static void send_reports(void)
{
	for (size_t at = 0; at < reports.length;) {
		ssize_t n = write(STDOUT_FILENO, reports.data + at, reports.length - at);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) _exit(0);
		at += (size_t)n;
	}
	reports.length = 0;
}

static void shut(int *fd)
{
	if (*fd >= 0) close(*fd);
	*fd = -1;
}

static struct job *find(uint32_t id)
{
	struct job *job = jobs;
	while (job != NULL && job->id != id) job = job->next;
	return job;
}

/* As far as it goes at once. */
static void feed(struct job *job)
{
	while (job->in >= 0 && job->at < job->length) {
		ssize_t n = write(job->in, job->input + job->at, job->length - job->at);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0 && errno == EAGAIN) return;
		if (n < 0) break;
		job->at += (size_t)n;
	}
	shut(&job->in);
}

/* Returns whether there was something. */
static int collect(struct job *job, int *fd, char kind)
{
	static char chunk[CHUNK];
	ssize_t n = read(*fd, chunk, sizeof chunk);
	if (n > 0) report(kind, job->id, chunk, (uint32_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN)) shut(fd);
	return n > 0;
}

/* What is in a pipe whose writer has ended: 64 KiB at most, unless what it started writes on. */
static void drain(struct job *job, int *fd, char kind)
{
	for (int i = 0; i < 4 && *fd >= 0 && collect(job, fd, kind); i++) {
	}
}

static int make_pipe(int ends[2], int ours)
{
	if (pipe2(ends, O_CLOEXEC) < 0) return -1;
	return fcntl(ends[ours], F_SETFL, O_NONBLOCK);
}

/* A program without a slash is looked for in the PATH that it is given, as execvp(3) does. */
static int spawn_on_path(pid_t *pid, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char **argv,
			 char **env)
{
	if (strchr(argv[0], '/') != NULL) return posix_spawn(pid, argv[0], actions, attributes, argv, env);
	const char *path = "/bin:/usr/bin";
	for (char **entry = env; *entry != NULL; entry++)
		if (strncmp(*entry, "PATH=", 5) == 0) path = *entry + 5;
	int result = ENOENT;
	for (const char *end; *path != 0; path = *end == ':' ? end + 1 : end) {
		end = strchrnul(path, ':');
		char file[4096];
		size_t length = (size_t)(end - path);
		if (length == 0 || length + strlen(argv[0]) + 2 > sizeof file) continue;
		memcpy(file, path, length);
		file[length] = '/';
		strcpy(file + length + 1, argv[0]);
		if (access(file, X_OK) != 0) continue;
		result = posix_spawn(pid, file, actions, attributes, argv, env);
		if (result != ENOENT && result != EACCES) return result;
	}
	return result;
}

static int spawn(struct job *job, char **argv, char **env)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
	int result = 0;
	if (make_pipe(in, 1) < 0 || make_pipe(out, 0) < 0 || make_pipe(err, 0) < 0) {
		result = errno;
	} else {
		posix_spawn_file_actions_t actions;
		posix_spawnattr_t attributes;
		sigset_t none, usual;
		sigemptyset(&none);
		sigemptyset(&usual);
		sigaddset(&usual, SIGPIPE);
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, in[0], 0);
		posix_spawn_file_actions_adddup2(&actions, out[1], 1);
		posix_spawn_file_actions_adddup2(&actions, err[1], 2);
		posix_spawnattr_init(&attributes);
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &usual);
		short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (job->own_group ? POSIX_SPAWN_SETSID : 0);
		posix_spawnattr_setflags(&attributes, flags);
		result = spawn_on_path(&job->pid, &actions, &attributes, argv, env);
		posix_spawn_file_actions_destroy(&actions);
		posix_spawnattr_destroy(&attributes);
	}
	shut(&in[0]);
	shut(&out[1]);
	shut(&err[1]);
	job->in = in[1];
	job->out = out[0];
	job->err = err[0];
	if (result != 0) {
		shut(&job->in);
		shut(&job->out);
		shut(&job->err);
	}
	return result;
}

/* Some sysctls wait for the kernel's lock of all links when they are written, whatever the value: then this process would start nothing. */
static int holds(int fd, const char *value)
{
	char held[64];
	size_t length = strlen(value);
	ssize_t n = pread(fd, held, sizeof held, 0);
	if (n > 0 && held[n - 1] == '\n') n--;
	return n >= 0 && (size_t)n == length && memcmp(held, value, length) == 0;
}

static void write_file(const char *file, const char *value)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0) return;
	if (!holds(fd, value) && pwrite(fd, value, strlen(value), 0) < 0) { /* There is no such sysctl, or it does not take the value: as if it were not there. */
	}
	close(fd);
}

static int enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return errno;
	int result = setns(fd, CLONE_NEWNET) < 0 ? errno : 0;
	close(fd);
	return result;
}

struct reader {
	char *at, *end;
};

static uint32_t number(struct reader *in)
{
	uint32_t value;
	if (in->end - in->at < 4) _exit(2);
	memcpy(&value, in->at, 4);
	in->at += 4;
	return value;
}

static char *text(struct reader *in)
{
	char *start = in->at;
	char *end = memchr(start, 0, (size_t)(in->end - start));
	if (end == NULL) _exit(2);
	in->at = end + 1;
	return start;
}

static char **texts(struct reader *in, uint32_t count)
{
	if (count > MAX_TEXTS) _exit(2);
	char **list = need(calloc(count + 1, sizeof *list));
	for (uint32_t i = 0; i < count; i++) list[i] = text(in);
	return list;
}

static void run(uint32_t id, struct reader *in)
{
	struct job *job = need(calloc(1, sizeof *job));
	if (in->at == in->end) _exit(2);
	job->own_group = *in->at++;
	uint32_t argc = number(in), envc = number(in), files = number(in);
	if (files > MAX_TEXTS) _exit(2);
	const char *netns = text(in);
	char **argv = texts(in, argc), **env = texts(in, envc), **pairs = texts(in, files * 2);
	job->id = id;
	job->length = (size_t)(in->end - in->at);
	job->input = need(malloc(job->length + 1));
	memcpy(job->input, in->at, job->length);

	int inside = netns[0] == 0 ? 0 : enter(netns);
	int result = inside;
	if (inside == 0) {
		for (char **pair = pairs; *pair != NULL; pair += 2) write_file(pair[0], pair[1]);
		result = argc == 0 ? 0 : spawn(job, argv, env);
		/* To stay in a pod's namespace would be worse than to end. */
		if (netns[0] != 0 && setns(own_netns, CLONE_NEWNET) < 0) _exit(4);
	}
	free(argv);
	free(env);
	free(pairs);
	if (result != 0 || argc == 0) {
		if (result != 0) report_number(inside != 0 ? 'n' : 'f', id, (uint32_t)result);
		else {
			report_number('x', id, 0);
			report('c', id, NULL, 0);
		}
		free(job->input);
		free(job);
		return;
	}
	report_number('s', id, (uint32_t)job->pid);
	job->next = jobs;
	jobs = job;
	job_count++;
	feed(job);
}

static void obey(char kind, uint32_t id, struct reader *in)
{
	if (kind == 'r') {
		run(id, in);
		return;
	}
	struct job *job = find(id);
	if (job == NULL) return;
	if (kind == 'd') {
		shut(&job->in);
		shut(&job->out);
		shut(&job->err);
	} else if (kind == 'k') {
		int signal = (int)number(in);
		/* A group outlives its leader; a process that has ended is nobody's. */
		if (job->own_group) kill(-job->pid, signal);
		else if (!job->exited) kill(job->pid, signal);
	}
}

static void read_requests(void)
{
	static char chunk[CHUNK];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
	if (n <= 0) _exit(0);
	append(&requests, chunk, (size_t)n);
	size_t at = 0;
	while (requests.length - at >= 4) {
		uint32_t length, id;
		memcpy(&length, requests.data + at, 4);
		if (length < 5 || length > MAX_FRAME) _exit(2);
		if (requests.length - at - 4 < length) break;
		char *frame = requests.data + at + 4;
		memcpy(&id, frame + 1, 4);
		struct reader in = {frame + 5, frame + length};
		obey(frame[0], id, &in);
		at += 4 + length;
	}
	memmove(requests.data, requests.data + at, requests.length - at);
	requests.length -= at;
}

static void bury(void)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		for (struct job *job = jobs; job != NULL; job = job->next) {
			if (job->pid != pid || job->exited) continue;
			job->exited = 1;
			job->status = status;
			/* So that its end and the end of its outputs are told in one breath, where they are one. */
			drain(job, &job->out, 'o');
			drain(job, &job->err, 'e');
			report_number('x', job->id, (uint32_t)status);
			break;
		}
	}
}

static void forget_closed(void)
{
	for (struct job **link = &jobs; *link != NULL;) {
		struct job *job = *link;
		if (!job->exited || job->out >= 0 || job->err >= 0) {
			link = &job->next;
			continue;
		}
		report('c', job->id, NULL, 0);
		shut(&job->in);
		*link = job->next;
		job_count--;
		free(job->input);
		free(job);
	}
}

int main(void)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	int ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ended < 0 || own_netns < 0) return 1;
	for (struct pollfd *fds = NULL;;) {
		size_t count = 2;
		fds = need(realloc(fds, (2 + 3 * job_count) * sizeof *fds));
		fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = ended, .events = POLLIN};
		/* poll() passes over negative descriptors. */
		for (struct job *job = jobs; job != NULL; job = job->next) {
			fds[count++] = (struct pollfd){.fd = job->in, .events = POLLOUT};
			fds[count++] = (struct pollfd){.fd = job->out, .events = POLLIN};
			fds[count++] = (struct pollfd){.fd = job->err, .events = POLLIN};
		}
		if (poll(fds, count, -1) < 0) {
			if (errno == EINTR) continue;
			return 1;
		}
		size_t at = 2;
		for (struct job *job = jobs; job != NULL; job = job->next, at += 3) {
			if (job->in >= 0 && fds[at].revents != 0) feed(job);
			if (job->out >= 0 && fds[at + 1].revents != 0) collect(job, &job->out, 'o');
			if (job->err >= 0 && fds[at + 2].revents != 0) collect(job, &job->err, 'e');
		}
		if (fds[1].revents != 0) {
			struct signalfd_siginfo info[16];
			while (read(ended, info, sizeof info) > 0) {
			}
			bury();
		}
		if (fds[0].revents != 0) read_requests();
		forget_closed();
		send_reports();
	}
}
