/* main(): one executable, whose first argument says what it is. Besides the commands there are the
 * roles as which the supervisor starts it again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/title.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "control/control.h"
#include "gateway/gateway_main.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} roles[] = {
    { "dev", cmd_dev },          { "trigger", cmd_trigger },  { "events", cmd_events },
    { "doctor", cmd_doctor },    { "version", cmd_version },  { "help", cmd_help },
    { "--help", cmd_help },      { "-h", cmd_help },          { "--version", cmd_version },
    { "gateway", gateway_main }, { "control", control_main },
};

static int unknown_command(const char *word)
{
    static const char *const names[] = { "dev",     "trigger", "events", "doctor",
                                         "version", "help",    NULL };
    const char *meant = options_suggest(word, names);
    (void)fprintf(stderr, "mayfly: unknown command %s", word);
    if (meant) {
        (void)fprintf(stderr, "; did you mean mayfly %s?\n", meant);
    } else {
        (void)fputs("; mayfly help lists what there is\n", stderr);
    }
    return CLI_USAGE;
}

/* Where one of these is closed, the next file or socket would take its place, and get what is
 * printed. */
static void open_standard_files(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR); /* for those that we start, too */
    } while (fd >= 0 && fd <= STDERR_FILENO);
    scope_close_fd(&fd);
}

/* A program that reads what a command prints must not take half of it for all. */
static int printed(int status)
{
    bool had_failed = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !had_failed) {
        return status;
    }
    (void)fprintf(stderr, "mayfly: standard output cannot be written to%s%s\n",
                  had_failed ? "" : ": ", had_failed ? "" : strerror(errno));
    return status == CLI_OK ? CLI_FAILED : status;
}

static bool asks_for_help(int argc, char **argv)
{
    return argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
}

int main(int argc, char **argv)
{
    open_standard_files();
    title_init(argc, argv);
    if (argc < 2) {
        (void)cmd_help(1, argv);
        return CLI_USAGE;
    }
    if (asks_for_help(argc, argv)) {
        return printed(cmd_help(2, argv));
    }
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        if (strcmp(roles[i].name, argv[1]) == 0) {
            return printed(roles[i].run(argc - 1, argv + 1));
        }
    }
    return unknown_command(argv[1]);
}
