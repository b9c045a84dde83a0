/* mayfly help and mayfly version.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

/* clang-format off */
static const struct {
    const char *name;
    const char *line;
    const char *text;
} commands[] = {
    { "dev", "serve a project on this machine, with hot reload",
      "usage: mayfly dev [DIR] [options]\n"
      "\n"
      "Finds the functions in DIR (default: the current folder), serves them over HTTP and follows\n"
      "every change. There is nothing to configure for a project that keeps to the conventions of\n"
      "Next.js, Vercel, Netlify, Cloudflare Workers or AWS Lambda; one project may mix them.\n"
      "\n"
      "  Next.js       app/**/route.ts, pages/api/**, middleware.ts or proxy.ts\n"
      "  Vercel        api/**, vercel.json, .vercel/output\n"
      "  Netlify       netlify/functions, netlify.toml, .netlify/v1\n"
      "  Workers       wrangler.jsonc or wrangler.toml, worker.ts\n"
      "  Lambda        *.tf, template.yaml, cdk.out, serverless.yml, mayfly.json\n"
      "  else          a Node.js server: the start script or main of package.json\n"
      "\n"
      "  --port N      listen on this port (default 3000; 0 takes a free one)\n"
      "  --host H      listen on this address (default localhost: 127.0.0.1 and ::1);\n"
      "                0.0.0.0 lets other machines in\n"
      "  --aws-port N  serve S3, SQS, Lambda, EventBridge and Scheduler on this port of this machine\n"
      "                (default 4566, or a free one if that is taken)\n"
      "  --data DIR    keep events and objects there (default: .mayfly in the project)\n"
      "  --log FORMAT  text (default), json (one object a line), or none: only what the build says\n"
      "  --verbose     also say what the platform itself does\n"
      "\n"
      "Ctrl-C stops everything at once; events that were under way are handled at the next start.\n" },
    { "trigger", "fire a schedule, or invoke a function, now",
      "usage: mayfly trigger NAME [options]\n"
      "\n"
      "Does what the schedule NAME does when it is due, or invokes the Lambda function NAME\n"
      "asynchronously, in the mayfly that runs for the project; waits for the outcome and prints\n"
      "it. Exits with 1 if it failed.\n"
      "\n"
      "  --payload FILE  what a function gets (default {}); - is standard input\n"
      "  --no-wait       only say which events were made\n"
      "  --project DIR   the project (default: the current folder)\n"
      "  --data DIR      its data folder, if it was started with --data\n" },
    { "events", "list, show, replay and purge what is in queues",
      "usage: mayfly events [ls] [--queue Q] [--function F] [--state S] [--since T] [--limit N]\n"
      "       mayfly events show NUMBER\n"
      "       mayfly events replay NUMBER... | --queue Q\n"
      "       mayfly events purge --queue Q [--state S]\n"
      "\n"
      "Asynchronous invocations, ticks of schedules, messages in queues, durable requests and\n"
      "webhooks of the mayfly that runs for the project: newest first, one with its body and the\n"
      "whole error, tried again (all dead ones of a queue, or those of these numbers), removed.\n"
      "\n"
      "  --queue Q      \"lambda:NAME\", \"cron:NAME\", \"sqs:NAME\"..., or NAME alone, as ls shows it\n"
      "  --function F   only what leads to this function\n"
      "  --state S      waiting, done or dead\n"
      "  --since T      sent in the last 30s, 10m, 2h or 1d\n"
      "  --limit N      at most so many (default 20)\n"
      "  --json         an object a line\n"
      "  --project DIR  the project (default: the current folder)\n"
      "  --data DIR     its data folder, if it was started with --data\n" },
    { "doctor", "say what this machine allows, and what is lost without it",
      "usage: mayfly doctor\n"
      "\n"
      "Tries every kind of isolation that functions are given, prints what works and, for what does\n"
      "not, the reason, what is lost and what to do about it. Exits with 1 if anything is missing.\n"
      "\n"
      "  --json  the same as an object\n" },
    { "version", "print the version",
      "usage: mayfly version\n" },
    { "help", "say more about a command",
      "usage: mayfly help [COMMAND]\n" },
};
/* clang-format on */

const char *cli_help(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return commands[i].text;
        }
    }
    return NULL;
}

static void print_overview(FILE *out)
{
    (void)fputs("usage: mayfly COMMAND [arguments]\n\n", out);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        (void)fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].line);
    }
    (void)fputs("\nmayfly help COMMAND says more.\n", out);
}

int cmd_help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return CLI_OK;
    }
    const char *text = cli_help(argv[1]);
    if (!text) {
        (void)fprintf(stderr, "mayfly: there is no command %s\n\n", argv[1]);
        print_overview(stderr);
        return CLI_USAGE;
    }
    (void)fputs(text, stdout);
    return CLI_OK;
}

int cmd_version(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        (void)fputs(cli_help("version"), stderr);
        return CLI_USAGE;
    }
    (void)puts("mayfly " CLI_VERSION);
    return CLI_OK;
}
