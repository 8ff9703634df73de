// Preloaded into a program: while the file $FAILING_DISK_WHEN exists, every write and sync of a file below
// $FAILING_DISK_FOLDER fails with the error whose number stands in it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[PATH_MAX];
static size_t folder_length;
static const char *when;

__attribute__((constructor)) static void begin(void) {
  const char *below = getenv("FAILING_DISK_FOLDER");
  if (below == NULL || realpath(below, folder) == NULL) return;
  folder_length = strlen(folder);
  when = getenv("FAILING_DISK_WHEN");
}

// The error's number, or 0: the call may go on.
static int failure(int fd) {
  char link[64], path[PATH_MAX], text[16] = "";
  int file = when == NULL ? -1 : open(when, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t named = readlink(link, path, sizeof path - 1);
  if (length <= 0 || named <= 0) return 0;
  path[named] = 0;
  return strncmp(path, folder, folder_length) == 0 ? atoi(text) : 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_OR(call)        \
  int number = failure(fd);  \
  if (number == 0) return call; \
  errno = number;            \
  return -1

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { FAIL_OR(REAL(pwrite)(fd, data, length, offset)); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { FAIL_OR(REAL(pwrite)(fd, data, length, offset)); }
int ftruncate(int fd, off_t length) { FAIL_OR(REAL(ftruncate)(fd, length)); }
int ftruncate64(int fd, off_t length) { FAIL_OR(REAL(ftruncate)(fd, length)); }
int fsync(int fd) { FAIL_OR(REAL(fsync)(fd)); }
int fdatasync(int fd) { FAIL_OR(REAL(fdatasync)(fd)); }
