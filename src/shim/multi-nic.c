/*
 * multi-nic: the CNI plugin binary. It hands one call to the daemon of this host and prints what comes back.
 *
 *   environment CNI_* and stdin  ->  POST /cni on /run/multinic/cni.sock  ->  stdout and exit status
 *
 * It judges nothing. What it decides itself is only what must be decided without a daemon: the about text, VERSION, how long
 * to wait for the daemon, and that a DEL is kept in the spool when the daemon does not answer. It is native and static
 * because plugins run in small cgroups, for every interface of every pod, in whatever root directory the runtime chose.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_PATH "/run/multinic/cni.sock"
#define STATE_DIR "/var/lib/multinic"
#define SPOOL_DIR STATE_DIR "/spool"
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define SUPPORTED "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"
#define NEWEST_VERSION "1.1.0"

/* Time limits in ms. Test builds shorten them with -D; nothing at run time does. */
#ifndef CONNECT_MS
#define CONNECT_MS 5000 /* a daemon that listens but does not accept */
#endif
#ifndef ADD_WAIT_MS
#define ADD_WAIT_MS 60000 /* ADD waits so long for a daemon that is away: rolling restart */
#endif
#ifndef ADD_TOTAL_MS
#define ADD_TOTAL_MS 100000 /* ADD, from the start of this program; also GC */
#endif
#ifndef DEL_ANSWER_MS
#define DEL_ANSWER_MS 30000 /* DEL, after connecting; also CHECK */
#endif
#ifndef STATUS_ANSWER_MS
#define STATUS_ANSWER_MS 5000
#endif
#ifndef STDIN_MS
#define STDIN_MS 30000 /* a runtime that never closes our stdin */
#endif
#define RETRY_MS 50

/* Sizes in bytes; src/cni/wire.ts knows the first two. */
#define MAX_HEAD (128 * 1024)
#define MAX_BODY (1024 * 1024)
#define MAX_ANSWER (4 * 1024 * 1024)

/* CNI error codes. */
enum { CODE_ENVIRONMENT = 4, CODE_IO = 5, CODE_TRY_AGAIN = 11, CODE_UNAVAILABLE = 50, CODE_INTERNAL = 999 };

enum outcome { ANSWERED, CUT, LATE, RUBBISH };

extern char **environ;

static const char *program = "multi-nic";
static char body[MAX_BODY + 1];
static size_t body_length;
static char head[MAX_HEAD];
static size_t head_length;
static char answer[MAX_ANSWER + 1];
static char *answer_body;
static size_t answer_body_length;
static int answer_status;
static char boot_id[37];
static unsigned long long stamp_ns;
static char config_version[33] = NEWEST_VERSION;

/* ---------- output ---------- */

static bool write_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, data, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    length -= (size_t)written;
  }
  return true;
}

/* Remarks for people. A closed or full stderr must not matter. */
static void remark(const char *text) {
  if (!write_all(STDERR_FILENO, text, strlen(text))) return;
}

/* JSON string content: control characters and everything beyond ASCII become '?', since runtimes need valid UTF-8. */
static void escape(char *out, size_t size, const char *text) {
  size_t at = 0;
  for (; *text != '\0' && at + 3 < size; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') out[at++] = '\\';
    out[at++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
  }
  out[at] = '\0';
}

/* Prints a CNI error object and ends. */
__attribute__((noreturn, format(printf, 2, 3))) static void fail(int code, const char *format, ...) {
  char text[1024], escaped[2 * sizeof text], out[sizeof escaped + 256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  escape(escaped, sizeof escaped, text);
  int length = snprintf(out, sizeof out, "{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"%s\"}\n", config_version, code, escaped);
  write_all(STDOUT_FILENO, out, (size_t)length);
  exit(1);
}

/* ---------- time ---------- */

static int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static void pause_before_retry(void) {
  struct timespec time = {0, RETRY_MS * 1000000L};
  nanosleep(&time, NULL);
}

/* Waits for an event until the deadline; false when it has passed. */
static bool wait_for(int fd, short events, int64_t deadline) {
  for (;;) {
    int64_t left = deadline > now_ms() ? deadline - now_ms() : 0;
    struct pollfd entry = {.fd = fd, .events = events};
    int ready = poll(&entry, 1, (int)left);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return true; /* the read or write that follows reports it */
  }
}

/* ---------- input ---------- */

/* A closed descriptor 0…2 would be taken by the socket, and remarks would go to the daemon. */
static void occupy_standard_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    /* In the wrong direction for 0 and 1, so that reading and answering fail instead of seeming to work. */
    if (open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY) != fd) exit(1);
  }
}

static void take_stamp(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  stamp_ns = (unsigned long long)time.tv_sec * 1000000000ULL + (unsigned long long)time.tv_nsec;
}

static void read_boot_id(void) {
  int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, boot_id, 36);
  if (length != 36) fail(CODE_IO, "cannot read " BOOT_ID_PATH ": %s: is /proc mounted?", length < 0 ? strerror(errno) : "it is short");
  close(fd);
}

static void read_stdin(void) {
  int64_t deadline = now_ms() + STDIN_MS;
  while (body_length <= MAX_BODY) {
    if (!wait_for(STDIN_FILENO, POLLIN, deadline)) fail(CODE_IO, "stdin did not end within %d s", STDIN_MS / 1000);
    ssize_t got = read(STDIN_FILENO, body + body_length, sizeof body - body_length);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) fail(CODE_IO, "cannot read the network configuration from stdin: %s", strerror(errno));
    if (got == 0) return;
    body_length += (size_t)got;
  }
  fail(CODE_IO, "the network configuration on stdin is larger than %d bytes", MAX_BODY);
}

/* End of the JSON string that begins at `at`, a quotation mark: the place of the closing one, or the end of the input. */
static size_t string_end(size_t at) {
  for (at++; at < body_length && body[at] != '"'; at++) {
    if (body[at] == '\\') at++;
  }
  return at;
}

static size_t skip_blanks(size_t at) {
  while (at < body_length && strchr(" \t\r\n", body[at]) != NULL && body[at] != '\0') at++;
  return at;
}

/* Finds the top-level cniVersion of stdin, because an error object carries the version of its configuration. */
static void find_config_version(void) {
  static const char key[] = "\"cniVersion\"";
  int depth = 0;
  for (size_t at = 0; at < body_length; at++) {
    if (body[at] == '{' || body[at] == '[') depth++;
    if (body[at] == '}' || body[at] == ']') depth--;
    if (body[at] != '"') continue;
    size_t end = string_end(at);
    bool match = depth == 1 && end - at + 1 == sizeof key - 1 && memcmp(body + at, key, sizeof key - 1) == 0;
    at = end;
    if (!match) continue;
    size_t value = skip_blanks(end + 1);
    if (value >= body_length || body[value] != ':') continue;
    value = skip_blanks(value + 1);
    if (value >= body_length || body[value] != '"') return;
    size_t length = strspn(body + value + 1, "0123456789abcdefghijklmnopqrstuvwxyz.+-");
    if (length == 0 || length >= sizeof config_version || body[value + 1 + length] != '"') return;
    memcpy(config_version, body + value + 1, length);
    config_version[length] = '\0';
    return;
  }
}

/* ---------- request ---------- */

__attribute__((format(printf, 1, 2))) static void head_add(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(head + head_length, sizeof head - head_length, format, arguments);
  va_end(arguments);
  head_length += (size_t)length;
  if (head_length >= sizeof head) fail(CODE_ENVIRONMENT, "the CNI_* variables are larger than %d bytes together", MAX_HEAD);
}

/* Percent-encodes every byte that is not harmless in a header. */
static void head_add_encoded(const char *text) {
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("._~/;=,:-", c) != NULL;
    head_add(plain ? "%c" : "%%%02X", c);
  }
}

/* One variable `name=value`; others than CNI_[A-Z0-9_]+, and all but the first of one name, are not for the daemon. */
static void head_add_variable(const char *entry) {
  const char *equals = strchr(entry, '=');
  if (equals == NULL || strncmp(entry, "CNI_", 4) != 0) return;
  size_t length = (size_t)(equals - entry);
  if (length == 4 || strspn(entry, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != length || length > 64) return;
  char name[65], header[65];
  for (size_t i = 0; i <= length; i++) {
    char c = i < length ? entry[i] : '\0';
    name[i] = c;
    header[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
  }
  if (getenv(name) != equals + 1) return;
  head_add("%s: ", header);
  head_add_encoded(equals + 1);
  head_add("\r\n");
}

/* Writes the request's head; timeout_ms 0: none, for the spool. */
static void build_head(int64_t timeout_ms) {
  head_length = 0;
  head_add("POST /cni HTTP/1.1\r\nhost: multinic\r\nconnection: close\r\ncontent-type: application/octet-stream\r\n");
  head_add("content-length: %zu\r\nmultinic-stamp: %s/%llu\r\n", body_length, boot_id, stamp_ns);
  head_add("multinic-program: ");
  head_add_encoded(program);
  head_add("\r\n");
  if (timeout_ms > 0) head_add("multinic-timeout-ms: %lld\r\n", (long long)timeout_ms);
  for (char **entry = environ; *entry != NULL; entry++) head_add_variable(*entry);
  head_add("\r\n");
}

/* ---------- exchange ---------- */

/*
 * Connects to the daemon. A refusal means that no daemon is there: final, unless `patient` (ADD). A full backlog means that
 * it is slow: tried again until the deadline. Returns -1 with errno otherwise.
 */
static int connect_daemon(int64_t deadline, bool patient) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
  for (;;) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) fail(CODE_IO, "cannot make a socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int reason = errno;
    close(fd);
    bool absent = reason == ENOENT || reason == ECONNREFUSED;
    bool again = reason == EAGAIN || reason == EINTR || (absent && patient);
    if (!again || now_ms() >= deadline) {
      errno = reason;
      return -1;
    }
    pause_before_retry();
  }
}

/*
 * Sends the request, head and body in one piece, so that the daemon wakes once for it; one that closes early may still have answered, so that only
 * the deadline is a failure here.
 */
static bool send_request(int fd, int64_t deadline) {
  struct iovec parts[] = {{head, head_length}, {body, body_length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  while (parts[0].iov_len + parts[1].iov_len > 0) {
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    for (int i = 0; i < 2 && sent > 0; i++) {
      size_t gone = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
      parts[i].iov_base = (char *)parts[i].iov_base + gone;
      parts[i].iov_len -= gone;
      sent -= (ssize_t)gone;
    }
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return true;
    if (!wait_for(fd, POLLOUT, deadline)) return false;
  }
  return true;
}

/* Looks for a whole answer among the first `length` bytes: ANSWERED, RUBBISH, or CUT when more must come (or `ended`). */
static enum outcome parse_answer(size_t length, bool ended) {
  answer[length] = '\0';
  char *end = strstr(answer, "\r\n\r\n");
  if (end == NULL) return length >= MAX_ANSWER ? RUBBISH : CUT;
  if (strncmp(answer, "HTTP/1.1 ", 9) != 0) return RUBBISH;
  answer_status = (int)strtol(answer + 9, NULL, 10);
  /* The length is asked for, because without it a daemon that was killed looks like one that has finished. */
  size_t expected = answer_status == 204 ? 0 : SIZE_MAX;
  for (char *line = strstr(answer, "\r\n"); line != NULL && line < end; line = strstr(line + 2, "\r\n")) {
    static const char name[] = "\r\ncontent-length:";
    if (strncasecmp(line, name, sizeof name - 1) == 0) expected = strtoul(line + sizeof name - 1, NULL, 10);
  }
  if (expected > MAX_ANSWER && expected != SIZE_MAX) return RUBBISH;
  answer_body = end + 4;
  size_t have = length - (size_t)(answer_body - answer);
  /* A refusal without a length, which a server makes by itself (431), is whole when the connection ends. */
  if (expected == SIZE_MAX && answer_status >= 300 && ended) expected = have;
  if (expected == SIZE_MAX && ended) return RUBBISH;
  answer_body_length = expected;
  if (have >= expected) return ANSWERED;
  return length >= MAX_ANSWER ? RUBBISH : CUT;
}

static bool is_error_object(void) {
  return answer_body_length > 0 && answer_body[0] == '{' && strstr(answer_body, "\"msg\"") != NULL;
}

/* One request and its answer on a connection, which is closed afterwards. */
static enum outcome exchange(int fd, int64_t deadline) {
  size_t length = 0;
  enum outcome outcome = CUT;
  build_head(deadline > now_ms() ? deadline - now_ms() : 1);
  bool sent = send_request(fd, deadline);
  if (!sent) outcome = LATE;
  while (sent && outcome == CUT) {
    if (!wait_for(fd, POLLIN, deadline)) {
      outcome = LATE;
      break;
    }
    ssize_t got = recv(fd, answer + length, MAX_ANSWER - length, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got > 0) length += (size_t)got;
    outcome = parse_answer(length, got <= 0);
    if (got <= 0) break;
  }
  close(fd);
  /* A server that is starting or stopping says 503 by itself: the same as no server. */
  return outcome == ANSWERED && answer_status == 503 && !is_error_object() ? CUT : outcome;
}

/* Prints the daemon's answer and ends. */
__attribute__((noreturn)) static void deliver(void) {
  bool success = answer_status >= 200 && answer_status <= 299;
  if (!success && !is_error_object()) {
    fail(CODE_INTERNAL, "the multinic daemon answered with HTTP status %d and no CNI error object", answer_status);
  }
  if (!write_all(STDOUT_FILENO, answer_body, answer_body_length)) exit(1);
  exit(success ? 0 : 1);
}

/* ---------- verbs ---------- */

static const char *value_of(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? "" : value;
}

__attribute__((noreturn)) static void fail_absent(int code, const char *why) {
  fail(code, "%s%s%s%s%s: the multinic daemon of this host does not answer on " SOCKET_PATH ": %s. See whether its pod runs on this node.",
       value_of("CNI_COMMAND"), *value_of("CNI_CONTAINERID") == '\0' ? "" : " of container ", value_of("CNI_CONTAINERID"),
       *value_of("CNI_IFNAME") == '\0' ? "" : " interface ", value_of("CNI_IFNAME"), why);
}

static const char *describe_outcome(enum outcome outcome) {
  switch (outcome) {
    case LATE: return "connected, but no answer came in time";
    case CUT: return "it ended the connection without an answer";
    case RUBBISH: return "its answer is not the HTTP that is spoken here";
    default: return "unknown";
  }
}

/* ADD outlives a restart of the daemon: it waits for one that is away, and asks again when the connection was cut. */
__attribute__((noreturn)) static void add(int64_t start) {
  int64_t end = start + ADD_TOTAL_MS;
  int64_t patience = start + ADD_WAIT_MS;
  for (;;) {
    int fd = connect_daemon(earlier(patience, end), true);
    if (fd < 0) fail_absent(CODE_TRY_AGAIN, strerror(errno));
    enum outcome outcome = exchange(fd, end);
    if (outcome == ANSWERED) deliver();
    if (outcome != CUT || now_ms() >= earlier(patience, end)) fail_absent(CODE_TRY_AGAIN, describe_outcome(outcome));
    pause_before_retry();
  }
}

/* One attempt; why it failed, or no return at all. */
static const char *ask(int64_t start, int64_t answer_ms) {
  int fd = connect_daemon(start + CONNECT_MS, false);
  if (fd < 0) return strerror(errno);
  enum outcome outcome = exchange(fd, now_ms() + answer_ms);
  if (outcome == ANSWERED) deliver();
  return describe_outcome(outcome);
}

/* ---------- spool ---------- */

__attribute__((noreturn)) static void fail_spool(const char *step, const char *why) {
  int reason = errno;
  fail(CODE_IO, "DEL of container \"%s\" interface \"%s\" is not done: the multinic daemon does not answer on " SOCKET_PATH " (%s), and the "
                "call cannot be kept for it in " SPOOL_DIR ": %s: %s. Make room or make it writable.",
       value_of("CNI_CONTAINERID"), value_of("CNI_IFNAME"), why, step, strerror(reason));
}

static bool sync_directory(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = fsync(fd) == 0;
  close(fd);
  return done;
}

/* Makes the directory durably; true when it is there. */
static bool make_directory(const char *path, const char *parent) {
  if (mkdir(path, 0700) == 0) return sync_directory(parent);
  return errno == EEXIST;
}

/* Keeps the DEL for the daemon: on disk before the answer, under its name only when whole. */
static void spool(const char *why) {
  char name[128], path[256], temporary[256];
  build_head(0);
  snprintf(name, sizeof name, "%020llu-%s-%d", stamp_ns, boot_id, (int)getpid());
  snprintf(path, sizeof path, SPOOL_DIR "/%s", name);
  snprintf(temporary, sizeof temporary, SPOOL_DIR "/.%s", name);
  if (!make_directory(STATE_DIR, "/var/lib") || !make_directory(SPOOL_DIR, STATE_DIR)) fail_spool("make the folder", why);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) fail_spool("make a file", why);
  const char *failed = NULL;
  if (!write_all(fd, head, head_length) || !write_all(fd, body, body_length)) failed = "write";
  else if (fsync(fd) != 0) failed = "sync the file";
  else if (rename(temporary, path) != 0) failed = "rename";
  else if (!sync_directory(SPOOL_DIR)) failed = "sync the folder";
  if (failed != NULL) {
    int reason = errno;
    unlink(temporary);
    errno = reason;
    fail_spool(failed, why);
  }
  close(fd);
}

__attribute__((noreturn)) static void del(int64_t start) {
  const char *why = ask(start, DEL_ANSWER_MS);
  spool(why);
  char text[256];
  snprintf(text, sizeof text, "multi-nic: DEL kept in " SPOOL_DIR " for the daemon, which does not answer: %.100s\n", why);
  remark(text);
  exit(0);
}

/* ---------- */

__attribute__((noreturn)) static void about(void) {
  remark("multi-nic: gives pods interfaces on a host's NICs; a CNI plugin, run by Multus or another CNI runtime\n"
         "CNI protocol versions supported: 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n");
  exit(0);
}

__attribute__((noreturn)) static void version(void) {
  static const char *const supported[] = {SUPPORTED};
  char out[256];
  int length = snprintf(out, sizeof out, "{\"cniVersion\":\"" NEWEST_VERSION "\",\"supportedVersions\":[");
  for (size_t i = 0; i < sizeof supported / sizeof *supported; i++) {
    length += snprintf(out + length, sizeof out - (size_t)length, "%s\"%s\"", i == 0 ? "" : ",", supported[i]);
  }
  length += snprintf(out + length, sizeof out - (size_t)length, "]}\n");
  exit(write_all(STDOUT_FILENO, out, (size_t)length) ? 0 : 1);
}

int main(int argc, char **argv) {
  take_stamp(); /* first of all: it orders this call among others of the same attachment */
  int64_t start = now_ms();
  occupy_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);
  if (argc > 0 && argv[0][0] != '\0') {
    const char *slash = strrchr(argv[0], '/');
    program = slash == NULL ? argv[0] : slash + 1;
  }
  const char *command = value_of("CNI_COMMAND");
  if (*command == '\0') about();
  if (strcmp(command, "VERSION") == 0) version();
  read_boot_id();
  read_stdin();
  find_config_version();
  if (strcmp(command, "ADD") == 0) add(start);
  if (strcmp(command, "DEL") == 0) del(start);
  if (strcmp(command, "STATUS") == 0) fail_absent(CODE_UNAVAILABLE, ask(start, STATUS_ANSWER_MS));
  /* CHECK, and what the daemon refuses because it does not know it either. */
  fail_absent(CODE_TRY_AGAIN, ask(start, strcmp(command, "GC") == 0 ? ADD_TOTAL_MS : DEL_ANSWER_MS));
}
