/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_users.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/list.h"
#include "base/mem.h"
#include "control/sign/aws_digest.h"
#include "control/sign/aws_seed.h"

#define KEY_SLOTS          64 /* users times services times regions that are in use today */
#define FUNCTION_KEY_BYTES 8

struct entry {
    struct list link;
    struct aws_user user;
    char *memory;
    bool is_gone; /* of an earlier build; requests may still speak of it */
};

/* The end of a derivation: a MAC that has its key. */
struct derived {
    const struct aws_user *user;
    struct aws_scope scope;
    EVP_MAC_CTX *mac;
};

struct aws_users {
    struct list entries;
    struct entry *root;
    EVP_MAC *hmac;
    uint8_t seed[AWS_SEED_BYTES];
    struct derived derived[KEY_SLOTS];
};

struct aws_users *aws_users_create(void)
{
    struct aws_users *users = mem_new(struct aws_users);
    list_init(&users->entries);
    users->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    assert(users->hmac); /* part of every OpenSSL */
    int ok = RAND_bytes(users->seed, sizeof(users->seed));
    assert(ok == 1); /* the kernel has random numbers */
    return users;
}

static void forget_derived(struct derived *d)
{
    EVP_MAC_CTX_free(d->mac);
    *d = (struct derived){ 0 };
}

static void entry_free(struct aws_users *users, struct entry *e)
{
    for (size_t i = 0; i < KEY_SLOTS; i++) {
        if (users->derived[i].user == &e->user) {
            forget_derived(&users->derived[i]);
        }
    }
    if (users->root == e) {
        users->root = NULL;
    }
    list_remove(&e->link);
    free(e->memory);
    free(e);
}

void aws_users_destroy(struct aws_users *users)
{
    if (!users) {
        return;
    }
    list_for_each (item, &users->entries) {
        entry_free(users, list_entry(item, struct entry, link));
    }
    EVP_MAC_free(users->hmac);
    free(users);
}

static struct str put(char **at, struct str s)
{
    struct str copy = str_of(*at, s.len);
    if (s.len > 0) {
        memcpy(*at, s.data, s.len);
    }
    *at += s.len;
    return copy;
}

static void copy_user(struct entry *e, const struct aws_user *user)
{
    char id[AWS_HEX_BYTES];
    uint8_t digest[AWS_DIGEST_BYTES];
    struct str canonical = user->canonical_id;
    struct str display = user->display_name.len > 0 ? user->display_name : user->name;
    if (canonical.len == 0) {
        aws_sha256(user->name, digest);
        (void)hex_write(digest, sizeof(digest), id);
        canonical = str_of(id, sizeof(id));
    }
    char *at = e->memory = mem_alloc(user->name.len + user->access_key.len + user->secret.len +
                                     canonical.len + display.len + user->email.len + 1);
    e->user = (struct aws_user){ .kind = user->kind,
                                 .name = put(&at, user->name),
                                 .access_key = put(&at, user->access_key),
                                 .secret = put(&at, user->secret),
                                 .canonical_id = put(&at, canonical),
                                 .display_name = put(&at, display),
                                 .email = put(&at, user->email) };
}

static bool is_same(const struct aws_user *a, const struct aws_user *b)
{
    return a->kind == b->kind && str_eq(a->name, b->name) && str_eq(a->access_key, b->access_key) &&
           str_eq(a->secret, b->secret) && str_eq(a->canonical_id, b->canonical_id) &&
           str_eq(a->display_name, b->display_name) && str_eq(a->email, b->email);
}

/* One that has gone and is the same comes back: builds mostly change something else. */
static struct entry *revive(struct aws_users *users, const struct aws_user *user)
{
    list_for_each (item, &users->entries) {
        struct entry *e = list_entry(item, struct entry, link);
        if (e->is_gone && is_same(&e->user, user)) {
            e->is_gone = false;
            return e;
        }
    }
    return NULL;
}

static struct entry *add(struct aws_users *users, const struct aws_user *user)
{
    struct entry *e = mem_new(struct entry);
    copy_user(e, user);
    struct entry *known = revive(users, &e->user);
    if (known) {
        free(e->memory);
        free(e);
        return known;
    }
    list_push(&users->entries, &e->link);
    return e;
}

void aws_users_set_root(struct aws_users *users, struct str name, struct str access_key,
                        struct str secret)
{
    struct aws_user user = {
        .kind = AWS_USER_ROOT, .name = name, .access_key = access_key, .secret = secret
    };
    struct entry *e = add(users, &user);
    if (users->root) {
        entry_free(users, users->root);
    }
    users->root = e;
}

const struct aws_user *aws_users_root(const struct aws_users *users)
{
    return users->root ? &users->root->user : NULL;
}

int aws_users_add(struct aws_users *users, const struct aws_user *user)
{
    if (user->access_key.len == 0 || user->access_key.len > AWS_KEY_ID_BYTES ||
        user->secret.len == 0 || user->secret.len > AWS_SECRET_BYTES) {
        return -EINVAL;
    }
    if (aws_users_find(users, user->access_key)) {
        return -EEXIST;
    }
    (void)add(users, user);
    return 0;
}

void aws_users_clear_project(struct aws_users *users)
{
    list_for_each (item, &users->entries) {
        struct entry *e = list_entry(item, struct entry, link);
        e->is_gone = e->is_gone || e->user.kind == AWS_USER_PROJECT;
    }
}

void aws_users_set_seed(struct aws_users *users, const uint8_t *seed)
{
    memcpy(users->seed, seed, sizeof(users->seed));
}

/* Writes 2 * count hexadecimal digits that only the seed's holder can tell. */
static void make_key(const struct aws_users *users, const char *what, struct str function,
                     size_t count, char *ret_text)
{
    uint8_t key[AWS_DIGEST_BYTES];
    uint8_t digest[AWS_DIGEST_BYTES];
    aws_hmac(str_of((const char *)users->seed, sizeof(users->seed)), str_c(what), key);
    aws_hmac(str_of((const char *)key, sizeof(key)), function, digest);
    (void)hex_write(digest, count, ret_text);
}

const struct aws_user *aws_users_function(struct aws_users *users, struct str function)
{
    list_for_each (item, &users->entries) {
        const struct aws_user *user = &list_entry(item, struct entry, link)->user;
        if (user->kind == AWS_USER_FUNCTION && str_eq(user->name, function)) {
            return user;
        }
    }
    char key[4 + 2 * FUNCTION_KEY_BYTES] = "ASIA"; /* how AWS's keys of roles begin */
    char secret[AWS_HEX_BYTES];
    make_key(users, "key", function, FUNCTION_KEY_BYTES, key + 4);
    make_key(users, "secret", function, AWS_DIGEST_BYTES, secret);
    struct aws_user user = { .kind = AWS_USER_FUNCTION,
                             .name = function,
                             .access_key = str_of(key, sizeof(key)),
                             .secret = str_of(secret, sizeof(secret)) };
    if (users->root) {
        user.canonical_id = users->root->user.canonical_id;
        user.display_name = users->root->user.display_name;
    }
    return &add(users, &user)->user;
}

const struct aws_user *aws_users_find(const struct aws_users *users, struct str access_key)
{
    list_for_each (item, &users->entries) {
        const struct entry *e = list_entry(item, struct entry, link);
        if (!e->is_gone && str_eq(e->user.access_key, access_key)) {
            return &e->user;
        }
    }
    return NULL;
}

const struct aws_user *aws_users_find_canonical(const struct aws_users *users, struct str id)
{
    list_for_each (item, &users->entries) {
        const struct entry *e = list_entry(item, struct entry, link);
        if (!e->is_gone && str_eq(e->user.canonical_id, id)) {
            return &e->user;
        }
    }
    return NULL;
}

const struct aws_user *aws_users_find_email(const struct aws_users *users, struct str email)
{
    list_for_each (item, &users->entries) {
        const struct entry *e = list_entry(item, struct entry, link);
        if (!e->is_gone && email.len > 0 && str_eq_nocase(e->user.email, email)) {
            return &e->user;
        }
    }
    return NULL;
}

static void hmac_step(uint8_t key[AWS_DIGEST_BYTES], struct str text)
{
    aws_hmac(str_of((const char *)key, AWS_DIGEST_BYTES), text, key);
}

void aws_users_key(const struct aws_user *user, const struct aws_scope *scope,
                   uint8_t ret_key[AWS_DIGEST_BYTES])
{
    char first[4 + AWS_SECRET_BYTES] = "AWS4";
    memcpy(first + 4, user->secret.data, user->secret.len);
    aws_hmac(str_of(first, 4 + user->secret.len), str_c(scope->day), ret_key);
    hmac_step(ret_key, str_c(scope->region));
    hmac_step(ret_key, str_c(scope->service));
    hmac_step(ret_key, STR("aws4_request"));
}

static EVP_MAC_CTX *derive(struct aws_users *users, const struct aws_user *user,
                           const struct aws_scope *scope)
{
    uint8_t key[AWS_DIGEST_BYTES];
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1),
        OSSL_PARAM_construct_end(),
    };
    aws_users_key(user, scope, key);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(users->hmac);
    int ok = mac ? EVP_MAC_init(mac, key, sizeof(key), params) : 0;
    assert(ok == 1); /* fails for want of memory only */
    return mac;
}

static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    }
    return hash;
}

static struct derived *slot_of(struct aws_users *users, const struct aws_user *user,
                               const struct aws_scope *scope)
{
    uint32_t hash = hash_text(2166136261U ^ (uint32_t)((uintptr_t)user >> 4), scope->day);
    hash = hash_text(hash_text(hash, scope->region), scope->service);
    return &users->derived[hash % KEY_SLOTS];
}

static bool is_same_scope(const struct aws_scope *a, const struct aws_scope *b)
{
    return strcmp(a->day, b->day) == 0 && strcmp(a->region, b->region) == 0 &&
           strcmp(a->service, b->service) == 0;
}

void aws_users_sign(struct aws_users *users, const struct aws_user *user,
                    const struct aws_scope *scope, struct str text,
                    uint8_t ret_digest[AWS_DIGEST_BYTES])
{
    size_t out;
    struct derived *d = slot_of(users, user, scope);
    if (d->user != user || !is_same_scope(&d->scope, scope)) {
        forget_derived(d);
        *d = (struct derived){ user, *scope, derive(users, user, scope) };
    }
    int ok = EVP_MAC_init(d->mac, NULL, 0, NULL) == 1 &&
             EVP_MAC_update(d->mac, (const unsigned char *)text.data, text.len) == 1 &&
             EVP_MAC_final(d->mac, ret_digest, &out, AWS_DIGEST_BYTES) == 1;
    assert(ok); /* fails for want of memory only */
}
