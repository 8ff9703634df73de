// Preloaded into a program: writes down what it does to the files below $LOST_WRITES_FOLDER, so that after its death
// they can be put back to what the disk is bound to have, which is what an fsync came after. The journal,
// $LOST_WRITES_JOURNAL, is read by lostWrites.ts: records of
//   kind (1 write, 2 truncate, 3 sync, 4 unlink, 5 rename), 3 bytes of nothing, length of the path (32 bits), offset
//   (64), length of the data (64), then path and data; little endian. A rename's data is its new path.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, SYNC = 3, UNLINK = 4, RENAME = 5 };

struct head {
  uint8_t kind;
  uint8_t nothing[3];
  uint32_t path;
  uint64_t offset;
  uint64_t data;
};

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static char folder[PATH_MAX];
static size_t folder_length;

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("LOST_WRITES_JOURNAL");
  const char *below = getenv("LOST_WRITES_FOLDER");
  if (file == NULL || below == NULL || realpath(below, folder) == NULL) return;
  folder_length = strlen(folder);
  journal = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// 1 with the path of a regular file below the folder, 0 for anything else.
static int known_path(const char *path) {
  return journal >= 0 && strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/';
}

static int known(int fd, char *path) {
  struct stat status;
  char link[64];
  if (journal < 0 || fd < 3 || fd == journal) return 0;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return known_path(path);
}

// A record is one write, so that a kill leaves it whole or not at all.
static void note(int kind, const char *path, uint64_t offset, const void *data, size_t length) {
  struct head head = {.kind = kind, .path = strlen(path), .offset = offset, .data = length};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)path, strlen(path)}, {(void *)data, length}};
  ssize_t done = REAL(writev)(journal, parts, 3);
  if (done != (ssize_t)(sizeof head + head.path + length)) abort();
}

static ssize_t noted_pwrite(int fd, const void *data, size_t length, off_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (real == NULL) real = REAL(pwrite);
  char path[PATH_MAX];
  if (!known(fd, path)) return real(fd, data, length, offset);
  pthread_mutex_lock(&one);
  note(WRITE, path, offset, data, length);
  ssize_t done = real(fd, data, length, offset);
  pthread_mutex_unlock(&one);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return noted_pwrite(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return noted_pwrite(fd, data, length, offset); }

static off_t place(int fd) {
  struct stat status;
  int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &status) == 0) return status.st_size;
  return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  if (real == NULL) real = REAL(write);
  char path[PATH_MAX];
  if (!known(fd, path)) return real(fd, data, length);
  pthread_mutex_lock(&one);
  note(WRITE, path, place(fd), data, length);
  ssize_t done = real(fd, data, length);
  pthread_mutex_unlock(&one);
  return done;
}

// Nothing that is looked at writes in pieces; if it begins to, the proof would be worth nothing.
static void refuse_pieces(int fd) {
  char path[PATH_MAX];
  if (known(fd, path)) abort();
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  refuse_pieces(fd);
  return REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  refuse_pieces(fd);
  return REAL(pwritev)(fd, parts, count, offset);
}

static int noted_truncate(int fd, off_t length) {
  static int (*real)(int, off_t);
  if (real == NULL) real = REAL(ftruncate);
  char path[PATH_MAX];
  if (!known(fd, path)) return real(fd, length);
  pthread_mutex_lock(&one);
  note(TRUNCATE, path, length, "", 0);
  int done = real(fd, length);
  pthread_mutex_unlock(&one);
  return done;
}

int ftruncate(int fd, off_t length) { return noted_truncate(fd, length); }
int ftruncate64(int fd, off_t length) { return noted_truncate(fd, length); }

// What is noted is what the disk has: after the sync, and before anybody can act on it.
static int noted_sync(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  int mine = known(fd, path);
  if (mine) pthread_mutex_lock(&one);
  int done = real(fd);
  if (mine && done == 0) note(SYNC, path, 0, "", 0);
  if (mine) pthread_mutex_unlock(&one);
  return done;
}

int fsync(int fd) { return noted_sync(fd, REAL(fsync)); }
int fdatasync(int fd) { return noted_sync(fd, REAL(fdatasync)); }

int unlink(const char *path) {
  if (known_path(path)) note(UNLINK, path, 0, "", 0);
  return REAL(unlink)(path);
}

int rename(const char *from, const char *to) {
  if (known_path(from)) note(RENAME, from, 0, to, strlen(to));
  return REAL(rename)(from, to);
}
