/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request_log.h"

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"

static void send_log(struct gateway *g, struct record_log *record, const struct request *rq,
                     struct str text)
{
    struct str texts[RECORD_LOG_TEXT_COUNT] = {
        [RECORD_LOG_REQUEST_ID] = rq ? str_c(rq->id) : (struct str){ 0 },
        [RECORD_LOG_TRACE_ID] = rq ? str_of(rq->trace + 3, 32) : (struct str){ 0 },
        [RECORD_LOG_TEXT] = text,
    };
    record->time_ms = gateway_epoch_ms(g);
    record->endpoint = rq ? rq->endpoint : 0;
    records_log(&g->records, record, texts);
}

void request_log(struct request *rq, enum record_level level, struct str text)
{
    struct record_log record = { .function = rq->function ? rq->function->id : 0,
                                 .instance = rq->instance ? rq->instance->id : 0,
                                 .level = (uint8_t)level,
                                 .source = RECORD_SOURCE_PLATFORM };
    send_log(rq->gateway, &record, rq, text);
}

void request_log_console(struct instance *i, struct request *rq, unsigned level, struct str text,
                         bool truncated)
{
    struct record_log record = { .function = i->function->id,
                                 .instance = i->id,
                                 .level = (uint8_t)(level > RECORD_ERROR ? RECORD_ERROR : level),
                                 .source = RECORD_SOURCE_CONSOLE,
                                 .truncated = truncated || text.len > LIMIT_LOG_LINE_BYTES };
    send_log(i->gateway, &record, rq, text);
}

void request_log_instance(struct instance *i, enum record_level level, struct str text)
{
    struct record_log record = { .function = i->function->id,
                                 .instance = i->id,
                                 .level = (uint8_t)level,
                                 .source = RECORD_SOURCE_PLATFORM };
    send_log(i->gateway, &record, NULL, text);
}

void request_log_refused(struct conn *c, struct str head)
{
    struct gateway *g = c->gateway;
    if (c->door != DOOR_AWS || g->said_http2 || !str_starts(head, STR("PRI * HTTP/2"))) {
        return;
    }
    g->said_http2 = true;
    struct record_log record = { .level = RECORD_WARNING, .source = RECORD_SOURCE_PLATFORM };
    send_log(g, &record, NULL,
             STR("Mayfly serves S3, SQS, Lambda, EventBridge and Scheduler here, not what is "
                 "called by HTTP/2, as Bedrock and Kinesis: give it an endpoint of its own in "
                 ".env, as in AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://localhost:8000"));
}
