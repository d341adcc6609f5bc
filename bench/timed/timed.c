/*
 * timed PROGRAM: runs PROGRAM with the environment, standard input and standard output that it got itself, and writes the nanoseconds
 * from start to exit to standard error. Ends with PROGRAM's status. In C, so that its own cost stays below what it measures.
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  char *arguments[] = {argv[1], NULL};
  pid_t pid;
  int status;
  long long start = now();
  int error = posix_spawn(&pid, argv[1], NULL, NULL, arguments, environ);
  if (error != 0 || waitpid(pid, &status, 0) < 0) {
    fprintf(stderr, "timed: %s: %s\n", argv[1], strerror(error));
    return 127;
  }
  fprintf(stderr, "%lld\n", now() - start);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
