/*
 * pairs ROUNDS STDIN PROGRAM-A PROGRAM-B: starts A and B in turn, ROUNDS times, each with the file STDIN as standard input, and
 * prints the nanoseconds from start to exit, two numbers a line. Small and in C so that its own cost stays below what it measures.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long run(const char *input, char *program) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, input, O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  char *arguments[] = {program, NULL};
  pid_t pid;
  int status;
  long long start = now();
  if (posix_spawn(&pid, program, &files, NULL, arguments, environ) != 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
    fprintf(stderr, "pairs: %s failed\n", program);
    exit(1);
  }
  long long taken = now() - start;
  posix_spawn_file_actions_destroy(&files);
  return taken;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  for (int round = 0; round < atoi(argv[1]); round++) {
    long long a = run(argv[2], argv[3]), b = run(argv[2], argv[4]);
    printf("%lld %lld\n", a, b);
  }
  return 0;
}
