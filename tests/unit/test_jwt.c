/* SPDX-License-Identifier: MIT
 *
 * Tokens: every algorithm by a key of ours, then what must be refused, member by member and byte by byte.
 *
 * The tokens below were signed by another program; those of the tables are signed here, with HS256.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/base64.h>
#include <mbedtls/md.h>

#include "common/mem.h"
#include "gateway/base64url.h"
#include "gateway/jwks.h"
#include "gateway/jwt.h"

#define NOW 1800000000
#define SECRET "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"

/* `{"sub":"안녕","exp":4102444800}` */
static const struct {
    const char *name;
    const char *token;
} signed_by[] = {
    {"HS256",
     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IkhTMjU2In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.174XewV2lsx3E5qYrPSqoFDegxNyO4iiT7OB1jusHT0"},
    {"HS384",
     "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6IkhTMzg0In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.wAGdXeWsUG3EGEC3cBn3fmTUEs_FIvIcrF0gluExhmSUrjcHvO38UCPl6aw8XRF4"},
    {"HS512",
     "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCIsImtpZCI6IkhTNTEyIn0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.bY07YtBud2wxiOzjKMRyDSiRfgmF0U9GDI3fT75wkjUBUyzoqhCb3nPdWseHrbHXpo06xSO"
     "HTbMtTP_Vq3vDbw"},
    {"RS256",
     "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IlJTMjU2In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.WW7ITc6iT1ZtgPVFgj5Zhzl2xNVMi13OIsUZHyFMnxwaJvf4g5wjJcY475hOMXsm_i9D03T"
     "he4YgC3Yx370V0lvPJdrSxv5nWQ4FKpLnH5kGf4ITod72p0DLiQUD7U9g4CvIyaY-Fnf5msfnmPop-F1YMqUmf"
     "omJw8eybTmtfLc6uSwb0FMzRmC82xOf_aCacYBrzSUrb7dw2kr6Hjli0HxzrsItJi4yH3qgDvxhLlsMyb_Wl3U"
     "v8fqabldoizXlimllPSnMHfBpdKRG7zg1O-RxZly_fmROxbbQxUBjaCojtTq_cos_hLqzRy-wSFoLjIhncmPB1"
     "ePefecYaHJbrQ"},
    {"RS384",
     "eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6IlJTMzg0In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.TN2QqiB3YQRHZs3pg77UE7-t2EWGwl0ffnc4O6FYV7ZkG-MH0xPF2ItkptrdkLmWmm88DE5"
     "8CzoehicL03R_s9brBag5k6ga-k-_d0zX1w8bEDPagNmZV7Cn4brxwYiYb-fo2atj10SrZZ4lYaEwMzB0oopGu"
     "ZrQD71P8Nic2RpD62MX04wD8uo7ONhohzlBXyBuVEhT0QaAAF_SuRKeQzxgYD98ZyP2b5JpNoJuSOCZOWtsueM"
     "JbibBGOmH4UsxlJAa7prU8T83PKpRVfbHG4bvUUtsjhX4HMMALHupNUAvUhpkl6HT4kQSR0HLezmE43opB0kKc"
     "yFueJKCr5Fkkg"},
    {"RS512",
     "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCIsImtpZCI6IlJTNTEyIn0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.nqynCPBizVBdurxj3i_P71W7M0QYVvagBdttUbYICDcoPqqKihrLiuGvVpqGm2zaFDzL-ps"
     "f1zQwryAGShHGMnmqiwQrJbhEJ66J1VkSneyKXVxXBxraVCFIy4XT7QFXGSzSY7a6W4cxnk9H4FQ_qJSGeQ0v8"
     "fRTePkyH9Ic1Wy7aSkcevwyNKq7Zo-fNb88eeyYndcT_ggQ0IYX8w4HB4hIjH2fvu38WZtuxrlw7M42u4D2HKw"
     "p33aSki9zm1QOGU6SMB72WnFi7oqU1gxOp3Nz8b6HKROSwDRLPo7mrrKgd4h0FRFLaKnQOkUO1qPyrSlT3esMg"
     "TH56m8nemHmsQ"},
    {"PS256",
     "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IlBTMjU2In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.rDOs3TW_FqmBEjCIHuftmCLTjVYZhvBAkImbTymykv6Q9w2E7xQo_lJbFN3GFAhHJ5Wg2c0"
     "_Md4RiSgl0JDzSOTJfzpVwbHVtYsDvLLvFDHYNLrMya2K3bBt3U5GbkvYycBxt_b42Xz2Lq46iUxTDTw3pHjuR"
     "CWIu4CxdU75UKiD8__loN6vx9s3fg0M-uuAuEgAISu72Qt__e7EkiKWGZR3NmrKB21o8XzCrsN0hrQFmMD7Tpq"
     "mKo0xFS_-H4yk1rVaqNLTYVJ3o-iLJgl0Xsli5FW6L2mr7fA7hFjFXHXp2QppT0K9mpT2gbSi4TEapkSXq2mj1"
     "0xWxclN8Ec3wQ"},
    {"PS384",
     "eyJhbGciOiJQUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6IlBTMzg0In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.eYKapflosYUkWcTG-EpMuZyOr9x16YayGLC-8RdFIjoYtch5gvVSPU3UTO5_XVT4wqrXRRO"
     "v4KwDo5kj6sZ25ZPUjGKW5kRkqvkejjrQV7VRqyf4Nvb_F7Ma3iHcFOdFlPk4ncM33LjWGCn_6IuB177DjytWh"
     "LYT6Oiq79Y5fOfS2T8c5QpnvN1SO1ZzOvWQXA2lAMb9IW6z1B43L-wJkzeVj39AMQ4g9r24BE2i3L6OEI238_N"
     "92uEeW556TQntJbel6hh7QQ0bZK8j2FdzoKRqTOGpQ8Z98G41DxKZVWoVBko3xURdgHc_7K--ZX5YOXfQZikHB"
     "2ZqMrwqdq0kbg"},
    {"PS512",
     "eyJhbGciOiJQUzUxMiIsInR5cCI6IkpXVCIsImtpZCI6IlBTNTEyIn0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.yFNq7I5Oq31kntLIrvcv9H93yR2yu20asEz1TLTPg4-y2TLMgcd8R4GOD3cRmzpkY5uBCxp"
     "oHarH1GoWYMubM9CDfUVwUlVWe2YcrmplzzOeocl_Qg7Jjgh6MIbyfBHBi5FZ2VRYmEs98hpVT2sFMCG7h2wl_"
     "D60PJ2sbIc_HvhGhXDPOmN_ce2IFQ_THpvhXQBmA3UnWt_zbs9fhZBbxqCsv43C5KU-bthkXFIjwuGRLhR37TX"
     "BaNg8MP1sdu4iFdi9Yswv907XsEHEPQiemzmSfcp-uKAqu-KOIQeKxKH1_PE25eef3zPu4E49llx2yaXtp1x7_"
     "8eXxcrwUGT9yQ"},
    {"ES256",
     "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IkVTMjU2In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.ZmZFtMTRxS3TUQlFIaDCXu-1lSYQhrKCNdL5uuQCgB4fx-5NCFa73E_9NknosOm3MtMIyfM"
     "rlCgJHao5_pz9Pw"},
    {"ES384",
     "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6IkVTMzg0In0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.Ky2HoAPnFV26RNXKCD7S0uVtsmhsTiXUcZh_au9Imn7z7IEm6Z3TU9Mldco79dSCR6nWUGI"
     "uv7bR8pU4CQd-xZqU-A9BrBWgobaFe_9gI_VWAhomnXn60hLGNOz5PLaz"},
    {"ES512",
     "eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCIsImtpZCI6IkVTNTEyIn0.eyJzdWIiOiLslYjrhZUiLCJleHAiOj"
     "QxMDI0NDQ4MDB9.AZBGAn8idkvI5FraxG9oMobqJOY7UF1uEXxikRcZsI_ZJqQqmieVsS2KpMwUhTWN4o65A5J"
     "51lNRqO-5NC_ybP4FAc_UWwDjCalGoiDTRLPAZE8GF8O-y5r0wBqGiQ0PJWvQD31ufV418NV2j6WP1tLmfHZkz"
     "uJn_-ItUQFcNBi8bM9o"}};

static const char public_keys[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
    "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
    "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
    "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
    "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\"},{\"kty\":\"EC\",\"x\":"
    "\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3AIB0\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RX"
    "xYqTAPhHOYZ3fqc\",\"crv\":\"P-256\"},{\"kty\":\"EC\",\"x\":\"hYCGC3jibGn6DozEZBovJnf"
    "YddEbpnlxNfDtlzniJXZ-cExUCXtekS2tdp_WpMRS\",\"y\":\"2usqy_v_BK-IqhDD3G1Gitkq8_OUB-pe"
    "Dc-JX6f8TXWO37NlrFSO6MhUETliWyu8\",\"crv\":\"P-384\"},{\"kty\":\"EC\",\"x\":\"ART92f"
    "kuLIZdysASufTsdHHzwd9EYA-VcTD5b6Rl16hEG6L3kW0AHbsEwLqHTjFi0AmYCy-1YNx0yjTL3V0jAuJU\""
    ",\"y\":\"AfitbgVaKE7fs3cNNyCBHv9oy5fzwQ3t9w43vUUwEG61uPeQRJ6lxl1hr76r_Jr_qtTQ-C1Cq9m"
    "kbWhRz35xKwCW\",\"crv\":\"P-521\"}]}";

static struct fixture {
    struct jwt_keys secret;
    struct jwt_keys public;
    struct jwt_policy policy;
    struct identity who;
    struct buf token;
} fixture;

static int set_up(void **state)
{
    (void)state;
    jwt_keys_init(&fixture.secret);
    jwt_keys_init(&fixture.public);
    assert_null(jwt_keys_add_secret(&fixture.secret, (struct str){NULL, 0}, STR(SECRET),
                                    JWT_ALL_ALGORITHMS));
    assert_null(jwks_read(STR(public_keys), JWT_ALL_ALGORITHMS, &fixture.public));
    fixture.policy = (struct jwt_policy){
        .keys = &fixture.secret,
        .algorithms = JWT_ALL_ALGORITHMS,
        .user_claim = "sub",
        .roles_claim = "roles",
        .leeway_s = 30,
    };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwt_keys_finish(&fixture.secret);
    jwt_keys_finish(&fixture.public);
    identity_finish(&fixture.who);
    buf_finish(&fixture.token);
    return 0;
}

static const struct jwt_keys *keys_of(const char *name)
{
    return name[0] == 'H' ? &fixture.secret : &fixture.public;
}

/* The verdict at NOW. */
static int judge(struct str token)
{
    identity_finish(&fixture.who);
    return jwt_verify(&fixture.policy, token, NOW, &fixture.who);
}

/* ---- signatures ---- */

static void tokens_of_every_algorithm_are_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(signed_by); i++) {
        fixture.policy.keys = keys_of(signed_by[i].name);
        assert_int_equal(judge(str_of(signed_by[i].token)), 0);
        assert_true(str_equal(buf_str(&fixture.who.user), STR("\xec\x95\x88\xeb\x85\x95")));
        assert_int_equal(fixture.who.expires_s, 4102444800 + 30);
    }
}

static void a_token_with_any_byte_changed_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(signed_by); i++) {
        char *token = mem_strdup(signed_by[i].token);
        size_t len = strlen(token);
        fixture.policy.keys = keys_of(signed_by[i].name);
        for (size_t at = 0; at<len; at += len> 300 ? 7 : 1) { /* public keys take their time */
            char was = token[at];
            token[at] = was == 'A' ? 'B' : 'A';
            assert_true(judge((struct str){token, len}) < 0);
            token[at] = was;
        }
        assert_int_equal(judge((struct str){token, len}), 0);
        mem_free(token);
    }
}

static void a_token_that_is_cut_or_longer_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(signed_by); i++) {
        size_t len = strlen(signed_by[i].token);
        fixture.policy.keys = keys_of(signed_by[i].name);
        for (size_t cut = 0; cut < len; cut++) {
            char *token = mem_strndup(signed_by[i].token, cut);
            assert_true(judge((struct str){token, cut}) < 0);
            mem_free(token);
        }
        buf_append_text(&fixture.token, signed_by[i].token);
        buf_append_byte(&fixture.token, 'A');
        assert_true(judge(buf_str(&fixture.token)) < 0);
        fixture.token.len = 0;
    }
}

static void a_key_answers_for_its_own_algorithms_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(signed_by); i++) {
        fixture.policy.keys = signed_by[i].name[0] == 'H' ? &fixture.public : &fixture.secret;
        assert_int_equal(judge(str_of(signed_by[i].token)), JWT_ERR_KEY);
        fixture.policy.keys = keys_of(signed_by[i].name);
        fixture.policy.algorithms = JWT_ALL_ALGORITHMS & ~(1u << i);
        assert_int_equal(judge(str_of(signed_by[i].token)), JWT_ERR_ALGORITHM);
        fixture.policy.algorithms = 1u << i;
        assert_int_equal(judge(str_of(signed_by[i].token)), 0);
        fixture.policy.algorithms = JWT_ALL_ALGORITHMS;
    }
}

/* ---- HS256, signed here ---- */

static void put_part(struct str text)
{
    unsigned char digits[16384];
    size_t len = 0;
    assert_int_equal(mbedtls_base64_encode(digits, sizeof digits, &len,
                                           (const unsigned char *)text.at, text.len),
                     0);
    for (size_t i = 0; i < len && digits[i] != '='; i++) {
        buf_append_byte(&fixture.token, digits[i] == '+'   ? '-'
                                        : digits[i] == '/' ? '_'
                                                           : digits[i]);
    }
}

static struct str sign(struct str header, struct str payload)
{
    unsigned char mac[32];
    struct str key = STR(SECRET);
    fixture.token.len = 0;
    put_part(header);
    buf_append_byte(&fixture.token, '.');
    put_part(payload);
    int code =
        mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)key.at,
                        key.len, fixture.token.data, fixture.token.len, mac);
    assert_int_equal(code, 0);
    buf_append_byte(&fixture.token, '.');
    put_part((struct str){(const char *)mac, sizeof mac});
    return buf_str(&fixture.token);
}

#define GOOD "{\"sub\":\"ada\",\"exp\":1900000000}"

static const struct {
    const char *header;
    int verdict;
} headers[] = {
    {"{\"alg\":\"HS256\"}", 0},
    {"{\"typ\":\"JWT\",\"alg\":\"HS256\"}", 0},
    {" {\"alg\" : \"HS256\"}\n", 0},
    {"{\"alg\":\"HS256\",\"kid\":\"any\"}", 0},
    {"{\"alg\":\"HS256\",\"jku\":\"http://evil\",\"x5u\":\"u\",\"jwk\":{},\"x5c\":[]}", 0},
    {"{\"alg\":\"none\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"None\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"NONE\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"nOnE\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"hs256\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"HS256 \"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"HS2566\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"EdDSA\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"ES256K\"}", JWT_ERR_ALGORITHM},
    {"{\"alg\":\"HS384\"}", JWT_ERR_SIGNATURE},
    {"{\"alg\":\"RS256\"}", JWT_ERR_KEY},
    {"{\"alg\":\"ES256\"}", JWT_ERR_KEY},
    {"{}", JWT_ERR_FORMAT},
    {"[]", JWT_ERR_FORMAT},
    {"\"HS256\"", JWT_ERR_FORMAT},
    {"null", JWT_ERR_FORMAT},
    {"{\"alg\":null}", JWT_ERR_FORMAT},
    {"{\"alg\":256}", JWT_ERR_FORMAT},
    {"{\"alg\":[\"HS256\"]}", JWT_ERR_FORMAT},
    {"{\"ALG\":\"HS256\"}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"alg\":\"none\"}", JWT_ERR_FORMAT},
    {"{\"alg\":\"none\",\"alg\":\"HS256\"}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"crit\":[]}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"b64\":false}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"enc\":\"A128GCM\"}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"zip\":\"DEF\"}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"kid\":7}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"kid\":null}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\",\"a\":[[[0]]]}", 0},
    {"{\"alg\":\"HS256\",\"a\":[[[[0]]]]}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\"}{}", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\"", JWT_ERR_FORMAT},
    {"{\"alg\":\"HS256\\u0000\"}", JWT_ERR_FORMAT},
    {"{\"alg\":\"\xff\"}", JWT_ERR_FORMAT},
};

static void headers_are_judged_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(headers); i++) {
        assert_int_equal(judge(sign(str_of(headers[i].header), STR(GOOD))), headers[i].verdict);
    }
}

static const struct {
    const char *payload;
    int verdict; /* NOW is 1800000000, leeway 30 */
} payloads[] = {
    {GOOD, 0},
    {"{\"sub\":\"a\",\"exp\":1800000001}", 0},
    {"{\"sub\":\"a\",\"exp\":1800000000}", 0},
    {"{\"sub\":\"a\",\"exp\":1799999971}", 0},
    {"{\"sub\":\"a\",\"exp\":1799999970}", JWT_ERR_EXPIRED},
    {"{\"sub\":\"a\",\"exp\":1799999969}", JWT_ERR_EXPIRED},
    {"{\"sub\":\"a\",\"exp\":1799999970.9}", JWT_ERR_EXPIRED},
    {"{\"sub\":\"a\",\"exp\":1.9e9}", 0},
    {"{\"sub\":\"a\",\"exp\":0}", JWT_ERR_EXPIRED},
    {"{\"sub\":\"a\",\"exp\":-1}", JWT_ERR_EXPIRED},
    {"{\"sub\":\"a\",\"exp\":-1e308}", JWT_ERR_EXPIRED},
    {"{\"sub\":\"a\",\"exp\":253402300799}", 0},
    {"{\"sub\":\"a\",\"exp\":253402300800}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":1e308}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":1e999}", JWT_ERR_FORMAT},
    {"{\"sub\":\"a\",\"exp\":99999999999999999999}", JWT_ERR_FORMAT},
    {"{\"sub\":\"a\",\"exp\":\"1900000000\"}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":null}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":true}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":[1900000000]}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\"}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":1700000000,\"exp\":1900000000}", JWT_ERR_FORMAT},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"nbf\":1800000030}", 0},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"nbf\":1800000031}", JWT_ERR_EARLY},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"nbf\":\"0\"}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"nbf\":null}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"iat\":1800000030}", 0},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"iat\":1800000031}", JWT_ERR_EARLY},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"iat\":{}}", JWT_ERR_CLAIMS},
    {"{\"exp\":1900000000}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"\",\"exp\":1900000000}", JWT_ERR_CLAIMS},
    {"{\"sub\":7,\"exp\":1900000000}", JWT_ERR_CLAIMS},
    {"{\"sub\":null,\"exp\":1900000000}", JWT_ERR_CLAIMS},
    {"{\"sub\":[\"a\"],\"exp\":1900000000}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\\nb\",\"exp\":1900000000}", JWT_ERR_CLAIMS},
    {"{\"sub\":\"a\\u0000b\",\"exp\":1900000000}", JWT_ERR_FORMAT},
    {"{\"sub\":\"\\ud800\",\"exp\":1900000000}", JWT_ERR_FORMAT},
    {"{\"sub\":\"a\",\"sub\":\"b\",\"exp\":1900000000}", JWT_ERR_FORMAT},
    {"{\"sub\":\"\xc3\x28\",\"exp\":1900000000}", JWT_ERR_FORMAT},
    {"{\"sub\":\"\\uc548\\ub155 \\ud83d\\ude00\",\"exp\":1900000000}", 0},
    {"[]", JWT_ERR_FORMAT},
    {"null", JWT_ERR_FORMAT},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA", JWT_ERR_FORMAT},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"x\":[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]}", 0},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"x\":[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]}", JWT_ERR_FORMAT},
    {"{\"sub\":\"a\",\"exp\":1900000000,\"x\":\"[[[[[[[[[[[[[[[[[[[[[[[[\"}", 0},
};

static void claims_are_judged_by_the_clock_and_their_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(payloads); i++) {
        assert_int_equal(judge(sign(STR("{\"alg\":\"HS256\"}"), str_of(payloads[i].payload))),
                         payloads[i].verdict);
        assert_true((fixture.who.user.len > 0) == (payloads[i].verdict == 0));
    }
}

static const struct {
    const char *members;
    const char *issuer;
    const char *audience;
    int verdict;
} meant[] = {
    {"\"iss\":\"us\"", "us", NULL, 0},
    {"\"iss\":\"us\"", NULL, NULL, 0},
    {"\"iss\":\"US\"", "us", NULL, JWT_ERR_ISSUER},
    {"\"iss\":\"us/\"", "us", NULL, JWT_ERR_ISSUER},
    {"\"iss\":[\"us\"]", "us", NULL, JWT_ERR_ISSUER},
    {"\"x\":0", "us", NULL, JWT_ERR_ISSUER},
    {"\"aud\":\"chat\"", NULL, "chat", 0},
    {"\"aud\":[\"chat\"]", NULL, "chat", 0},
    {"\"aud\":[\"mail\",\"chat\"]", NULL, "chat", 0},
    {"\"aud\":[\"mail\"]", NULL, "chat", JWT_ERR_AUDIENCE},
    {"\"aud\":[]", NULL, "chat", JWT_ERR_AUDIENCE},
    {"\"aud\":[[\"chat\"]]", NULL, "chat", JWT_ERR_AUDIENCE},
    {"\"aud\":{\"chat\":1}", NULL, "chat", JWT_ERR_AUDIENCE},
    {"\"aud\":\"chat mail\"", NULL, "chat", JWT_ERR_AUDIENCE},
    {"\"aud\":null", NULL, "chat", JWT_ERR_AUDIENCE},
    {"\"x\":0", NULL, "chat", JWT_ERR_AUDIENCE},
    {"\"iss\":\"us\",\"aud\":\"chat\"", "us", "chat", 0},
};

static void issuer_and_audience_must_be_ours(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(meant); i++) {
        struct buf payload = {0};
        buf_append_format(&payload, "{\"sub\":\"a\",\"exp\":1900000000,%s}", meant[i].members);
        fixture.policy.issuer = meant[i].issuer;
        fixture.policy.audience = meant[i].audience;
        assert_int_equal(judge(sign(STR("{\"alg\":\"HS256\"}"), buf_str(&payload))),
                         meant[i].verdict);
        buf_finish(&payload);
    }
}

static const struct {
    const char *payload;
    const char *claim; /* of roles */
    const char *role;
    bool has_it;
} role_rows[] = {
    {"\"roles\":[\"admin\",\"user\"]", "roles", "admin", true},
    {"\"roles\":[\"admin\",\"user\"]", "roles", "user", true},
    {"\"roles\":[\"admin\",\"user\"]", "roles", "use", false},
    {"\"roles\":\"admin user\"", "roles", "user", true},
    {"\"roles\":\"admin user\"", "roles", "admin user", false},
    {"\"roles\":[\"admin user\"]", "roles", "admin", false},
    {"\"roles\":{\"admin\":true}", "roles", "admin", false},
    {"\"roles\":[7,null,\"admin\"]", "roles", "admin", true},
    {"\"scope\":\"read write\"", "scope", "write", true},
    {"\"realm_access\":{\"roles\":[\"admin\"]}", "realm_access.roles", "admin", true},
    {"\"realm_access\":[\"roles\"]", "realm_access.roles", "admin", false},
    {"\"a.b\":[\"admin\"]", "a.b", "admin", true},
    {"\"x\":1", "roles", "admin", false},
};

static void roles_come_from_lists_words_and_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(role_rows); i++) {
        struct buf payload = {0};
        buf_append_format(&payload, "{\"sub\":\"a\",\"exp\":1900000000,%s}", role_rows[i].payload);
        fixture.policy.roles_claim = role_rows[i].claim;
        assert_int_equal(judge(sign(STR("{\"alg\":\"HS256\"}"), buf_str(&payload))), 0);
        assert_int_equal(identity_has_role(&fixture.who, str_of(role_rows[i].role)),
                         role_rows[i].has_it);
        buf_finish(&payload);
    }
}

static void simple_claims_are_kept_as_text(void **state)
{
    (void)state;
    const struct str payload =
        STR("{\"sub\":\"a\",\"exp\":1900000000,\"team\":\"red\",\"n\":-7,\"ok\":true,\"l\":[1]}");
    assert_int_equal(judge(sign(STR("{\"alg\":\"HS256\"}"), payload)), 0);
    assert_true(str_equal(identity_claim(&fixture.who, STR("team")), STR("red")));
    assert_true(str_equal(identity_claim(&fixture.who, STR("n")), STR("-7")));
    assert_true(str_equal(identity_claim(&fixture.who, STR("ok")), STR("true")));
    assert_null(identity_claim(&fixture.who, STR("l")).at);
    assert_null(identity_claim(&fixture.who, STR("none")).at);
    fixture.policy.user_claim = "team";
    assert_int_equal(judge(sign(STR("{\"alg\":\"HS256\"}"), payload)), 0);
    assert_true(str_equal(buf_str(&fixture.who.user), STR("red")));
}

static void limits_hold_at_their_byte(void **state)
{
    (void)state;
    static const struct {
        size_t user;
        int verdict;
    } users[] = {{254, 0}, {255, 0}, {256, JWT_ERR_CLAIMS}};
    for (size_t i = 0; i < MEM_COUNT(users); i++) {
        struct buf payload = {0};
        buf_append_format(&payload, "{\"exp\":1900000000,\"sub\":\"%0*d\"}", (int)users[i].user, 0);
        assert_int_equal(judge(sign(STR("{\"alg\":\"HS256\"}"), buf_str(&payload))),
                         users[i].verdict);
        buf_finish(&payload);
    }
    struct buf big = {0};
    buf_append_format(&big, "{\"sub\":\"a\",\"exp\":1900000000,\"x\":\"%0*d\"}", 6050, 0);
    struct str token = sign(STR("{\"alg\":\"HS256\"}"), buf_str(&big));
    while (token.len <= JWT_BYTES_MAX) {
        assert_int_equal(judge(token), 0);
        big.len -= 2;
        buf_append_text(&big, "0\"}");
        token = sign(STR("{\"alg\":\"HS256\"}"), buf_str(&big));
    }
    assert_int_equal(judge(token), JWT_ERR_FORMAT);
    buf_finish(&big);
}

static const char *const malformed[] = {
    "",
    ".",
    "..",
    "...",
    "a",
    "null",
    "Bearer",
    "e30.e30.",
    ".e30.e30",
    "e30..e30",
    "e30.e30.e30.e30",
    "e30.e30.e30.",
    "e30=.e30.e30",
    "e30 .e30.e30",
    "e3\n0.e30.e30",
    "{\"alg\":\"HS256\"}.{}.x",
};

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(malformed); i++) {
        assert_int_equal(judge(str_of(malformed[i])), JWT_ERR_FORMAT);
    }
}

static const struct {
    const char *text;
    const char *bytes; /* NULL: refused */
} base64_rows[] = {
    {"", ""},           {"Zg", "f"},
    {"Zm8", "fo"},      {"Zm9v", "foo"},
    {"Zm9vYg", "foob"}, {"-_-_", "\xfb\xff\xbf"},
    {"Zh", NULL},       {"Zm9", NULL},
    {"Zg==", NULL},     {"Z", NULL},
    {"Zm9vY", NULL},    {"Zm 8", NULL},
    {"+/+/", NULL},     {"Zm9v\n", NULL},
    {"Zm9v=", NULL},    {"\xc3\xa9zz", NULL},
};

static void base64url_has_one_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(base64_rows); i++) {
        struct buf out = {0};
        buf_append_byte(&out, '!');
        bool is_good = base64url_decode(str_of(base64_rows[i].text), &out);
        assert_int_equal(is_good, base64_rows[i].bytes != NULL);
        const char *bytes = is_good ? base64_rows[i].bytes : "";
        assert_true(out.len == 1 + strlen(bytes) && memcmp(out.data + 1, bytes, out.len - 1) == 0);
        buf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tokens_of_every_algorithm_are_verified, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_with_any_byte_changed_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_token_that_is_cut_or_longer_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_key_answers_for_its_own_algorithms_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(headers_are_judged_strictly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(claims_are_judged_by_the_clock_and_their_types, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(issuer_and_audience_must_be_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roles_come_from_lists_words_and_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(simple_claims_are_kept_as_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_hold_at_their_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_token_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(base64url_has_one_spelling, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
