/* `mayfly doctor`: what this machine allows functions to be kept in, and whether the installation
 * is whole. Tries, reports, changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/parts.h"
#include "sandbox/features.h"

#define TEXT_MAX 320

/* One part of the installation. */
struct part {
    const char *name;
    bool ok;
    char text[TEXT_MAX]; /* its version or place, or what is wrong */
};

enum part_index { PART_FILES, PART_NODE, PART_PACKAGES, PART_COUNT };

struct doctor {
    struct utsname system;
    char user[64];
    struct sandbox_features features;
    struct part parts[PART_COUNT];
};

/* The first line that a program prints, "" when it does not run. */
static void first_line(const char *program, const char *argument, char *ret, size_t size)
{
    int fds[2];
    ret[0] = '\0';
    if (pipe(fds) < 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)execl(program, program, argument, (char *)NULL);
        _exit(127);
    }
    (void)close(fds[1]);
    ssize_t n = pid > 0 ? read(fds[0], ret, size - 1) : 0;
    ret[n > 0 ? n : 0] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    (void)close(fds[0]);
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
    }
}

static void look_at_node(struct doctor *d, const struct parts *parts)
{
    char version[64];
    struct part *part = &d->parts[PART_NODE];
    first_line(parts->node, "--version", version, sizeof(version));
    part->ok = version[0] == 'v';
    (void)snprintf(part->text, sizeof(part->text), "%s%s%.200s", part->ok ? version : "",
                   part->ok ? " at " : "does not run: ", parts->node);
}

/* Which of package.json's dependencies are not installed at its version. */
static void look_at_packages(struct doctor *d, const char *home)
{
    char path[PATH_MAX];
    struct part *part = &d->parts[PART_PACKAGES];
    (void)snprintf(path, sizeof(path), "%s/package.json", home);
    json_t *manifest = json_load_file(path, 0, NULL);
    json_t *wanted = json_object_get(manifest, "dependencies");
    const char *name;
    json_t *version;
    size_t count = 0;
    part->ok = wanted != NULL;
    (void)snprintf(part->text, sizeof(part->text), "%.200s cannot be read", path);
    json_object_foreach(wanted, name, version)
    {
        (void)snprintf(path, sizeof(path), "%s/node_modules/%s/package.json", home, name);
        json_t *installed = json_load_file(path, 0, NULL);
        const char *found = json_string_value(json_object_get(installed, "version"));
        const char *pinned = json_string_value(version);
        if (part->ok && (!found || !pinned || strcmp(found, pinned) != 0)) {
            part->ok = false;
            (void)snprintf(part->text, sizeof(part->text),
                           "%.64s is %.32s instead of %.32s: run npm ci in %.120s", name,
                           found ? found : "missing", pinned ? pinned : "?", home);
        }
        json_decref(installed);
        count++;
    }
    if (part->ok) {
        (void)snprintf(part->text, sizeof(part->text), "%zu, all at their versions", count);
    }
    json_decref(manifest);
}

static void look_at_installation(struct doctor *d)
{
    struct parts parts;
    struct err err = { 0 };
    d->parts[PART_FILES].name = "own files";
    d->parts[PART_NODE].name = "Node.js";
    d->parts[PART_PACKAGES].name = "npm packages";
    if (parts_find(&parts, &err) < 0) {
        (void)snprintf(d->parts[PART_FILES].text, TEXT_MAX, "%s", err.text);
        (void)snprintf(d->parts[PART_NODE].text, TEXT_MAX, "not looked for");
        (void)snprintf(d->parts[PART_PACKAGES].text, TEXT_MAX, "not looked for");
        return;
    }
    d->parts[PART_FILES].ok = true;
    (void)snprintf(d->parts[PART_FILES].text, TEXT_MAX, "%.300s", parts.program);
    look_at_node(d, &parts);
    char *rest = strstr(parts.builder, "/builder/main.js");
    *rest = '\0'; /* parts_find() ends every path of the builder so */
    look_at_packages(d, parts.builder);
}

static void look_at_system(struct doctor *d)
{
    const struct passwd *entry = getpwuid(geteuid());
    (void)uname(&d->system); /* cannot fail with a valid pointer */
    (void)snprintf(d->user, sizeof(d->user), "%.40s (uid %u)", entry ? entry->pw_name : "?",
                   geteuid());
}

static bool is_whole(const struct doctor *d)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (!d->parts[i].ok) {
            return false;
        }
    }
    return true;
}

static void print_line(bool ok, const char *name, const char *text)
{
    printf("  %-8s %-*s%s\n", ok ? "ok" : "MISSING", text[0] ? 20 : 0, name, text);
}

static void print_text(const struct doctor *d)
{
    printf("mayfly %s on %s %s (%s), as %s\n\nIsolation of functions\n", CLI_VERSION,
           d->system.sysname, d->system.release, d->system.machine, d->user);
    for (unsigned i = 0; i < SANDBOX_FEATURE_COUNT; i++) {
        const struct sandbox_feature_state *state = &d->features.states[i];
        enum sandbox_feature feature = (enum sandbox_feature)(1u << i);
        print_line(state->available, features_name(feature), "");
        if (!state->available) {
            printf("           why:  %s\n           lost: %s\n", state->reason,
                   features_loss(feature));
        }
    }
    printf("\nInstallation\n");
    for (size_t i = 0; i < PART_COUNT; i++) {
        print_line(d->parts[i].ok, d->parts[i].name, d->parts[i].text);
    }
    bool isolated = features_is_isolated(d->features.bits);
    printf("\n%s%s\n",
           isolated ? "Functions are isolated from each other and from your files."
                    : "Functions are NOT isolated: run only code that you trust.",
           is_whole(d) ? "" : " The installation is incomplete.");
}

static json_t *features_json(const struct sandbox_features *features)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < SANDBOX_FEATURE_COUNT; i++) {
        enum sandbox_feature feature = (enum sandbox_feature)(1u << i);
        const struct sandbox_feature_state *state = &features->states[i];
        json_t *item =
            json_pack("{s:s, s:b}", "name", features_name(feature), "ok", (int)state->available);
        if (!state->available) {
            (void)json_object_set_new(item, "reason", json_string(state->reason));
            (void)json_object_set_new(item, "lost", json_string(features_loss(feature)));
        }
        (void)json_array_append_new(list, item);
    }
    return list;
}

static json_t *parts_json(const struct doctor *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < PART_COUNT; i++) {
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:b, s:s}", "name", d->parts[i].name, "ok",
                                              (int)d->parts[i].ok, "text", d->parts[i].text));
    }
    return list;
}

static void print_json(const struct doctor *d)
{
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "version", CLI_VERSION, "kernel",
                  d->system.release, "machine", d->system.machine, "user", d->user, "isolated",
                  (int)features_is_isolated(d->features.bits), "features",
                  features_json(&d->features), "installation", parts_json(d));
    (void)json_dumpf(root, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(root);
}

int cmd_doctor(int argc, char **argv)
{
    bool json = false;
    const char *plain[1];
    struct err err = { 0 };
    const struct option options[] = { { "json", NULL, &json }, { NULL, NULL, NULL } };
    int r = options_parse(argc, argv, options, plain, ARRAY_COUNT(plain), &err);
    if (r != 0) {
        (void)fprintf(stderr, "mayfly doctor: %s\n", r < 0 ? err.text : "takes no arguments");
        return CLI_USAGE;
    }
    struct doctor *d = mem_new(struct doctor);
    (void)fflush(NULL); /* probing forks */
    look_at_system(d);
    features_probe(&d->features);
    look_at_installation(d);
    if (json) {
        print_json(d);
    } else {
        print_text(d);
    }
    bool well = features_is_isolated(d->features.bits) && is_whole(d);
    free(d);
    return well ? CLI_OK : CLI_FAILED;
}
