/* SPDX-License-Identifier: MIT
 *
 * Key sets and key files: what is taken, passed over, refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "gateway/jwks.h"

#define RSAS                                                                                       \
    (1u << JWT_RS256 | 1u << JWT_RS384 | 1u << JWT_RS512 | 1u << JWT_PS256 | 1u << JWT_PS384 |     \
     1u << JWT_PS512)

static const struct {
    const char *json;
    bool is_good;
    size_t count;
} sets[] = {
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6"
     "-RYdBpi3AIB0\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz"
     "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzcw\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\"},{\"kty\":\"EC\",\"crv\""
     ":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3AIB0\",\"y\":\"EyBaIp5nItq"
     "Uyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     true, 2},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"use"
     "\":\"sig\",\"kid\":\"1\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1"
     "-8j4ax9ozeyF5j6-RYdBpi3AIB0\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\","
     "\"kid\":\"2\"}]}",
     true, 2},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"use\":\"enc\"},{\"kty"
     "\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3AIB0\",\""
     "y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"key_ops\":[\"encrypt\""
     "]},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3"
     "AIB0\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"key_ops\":[\"verify\"]"
     "}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"alg\":\"RSA-OAEP\"},{"
     "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3AIB0"
     "\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"alg\":\"EdDSA\"},{\"kt"
     "y\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3AIB0\","
     "\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"},{\"kty\":\"EC\",\"crv"
     "\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3AIB0\",\"y\":\"EyBaIp5nI"
     "tqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozey"
     "F5j6-RYdBpi3AIB0\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"},{\"kty\":"
     "\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI4fYYlYcuQO16qdlJoY_S"
     "dv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-GeJEG5lPwNHsuGB5RYQpa5"
     "zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0oqFvW3X0qkKNB_zvYEEX"
     "yKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VYTZPGjYKygZ9evvrH9aK6"
     "wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"x5c\":[\"AAAA\"],\"x5u"
     "\":\"http://x\",\"d\":\"AAAA\"}]}",
     true, 1},
    {"{\"keys\":[],\"a\":1}", false, 0},
    {"{}", false, 0},
    {"[]", false, 0},
    {"", false, 0},
    {"null", false, 0},
    {"{\"keys\":{}}", false, 0},
    {"{\"keys\":[1]}", false, 0},
    {"{\"keys\":[{}]}", false, 0},
    {"{\"keys\":[{\"kty\":7}]}", false, 0},
    {"{\"keys\":[],\"keys\":[]}", false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"kid\":\"1\"},{\"kty\":"
     "\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6-RYdBpi3AIB0\",\"y\""
     ":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\",\"kid\":\"1\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz"
     "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzcw\"},{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnS"
     "jFVz7UOZgOg0fu1lx0X9QiUnKbH71xI4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0S"
     "YvHSgf-NqBGfbAv__9HQ96ZR9b-a-GeJEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYa"
     "Q0abQe9fidHCM2GraUdGk9xs3anMkE0oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet"
     "0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VYTZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\""
     "AQAB\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\"},{\"kty\":\"oct\",\"k\":"
     "\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3"
     "Nzcw\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"kid\":7}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"alg\":null}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"use\":[\"sig\"]}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"wcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB"
     "wcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB"
     "wcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB"
     "wcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB"
     "wcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcEB\",\"e\":\"AQAB\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQ\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"Ag\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q=\",\"e\":\"AQAB\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AAAAAAAAAAAB\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQABAQABAQAB\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYq"
     "TAPhHOYZ3fqc\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6"
     "-RYdBpi3AI\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6"
     "-RYdBpi3AIB0\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
     "AAAAAAAAAAAA\",\"y\":\"EyBaIp5nItqUyrxkd0ZXIeo1G2RXxYqTAPhHOYZ3fqc\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"ZjV-dqS-SjTRg8h1-8j4ax9ozeyF5j6"
     "-RYdBpi3AIB0\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
     "AAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz"
     "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"oct\"}]}", false, 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"not base64\"}]}", false, 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3"
     "Nzc3Nzc3Nzc3M\"}]}",
     true, 1},
    {"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3"
     "Nzc3Nzc3Nzcw\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"3ojliRq18SduhxgnSjFVz7UOZgOg0fu1lx0X9QiUnKbH71xI"
     "4fYYlYcuQO16qdlJoY_Sdv1hl7y8R_JcY4BbahIZbTkXmkYFROu0SYvHSgf-NqBGfbAv__9HQ96ZR9b-a-Ge"
     "JEG5lPwNHsuGB5RYQpa5zM9j5m5ir5v2YTOId_mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3anMkE0"
     "oqFvW3X0qkKNB_zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0NTEaaRh21FZWrP2Mm0sLE8VY"
     "TZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB4Q\",\"e\":\"AQAB\",\"use\":\"enc\"}]}",
     false, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"a\":[[[[[[[0]]]]]]]}]}", false, 0},
};

static void sets_are_taken_whole_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(sets); i++) {
        struct jwt_keys keys;
        jwt_keys_init(&keys);
        const char *wrong = jwks_read(str_of(sets[i].json), JWT_ALL_ALGORITHMS, &keys);
        if ((wrong == NULL) != sets[i].is_good) {
            fail_msg("row %zu: %s", i, wrong == NULL ? "taken" : wrong);
        }
        if (wrong == NULL) {
            assert_int_equal(keys.count, sets[i].count);
        }
        jwt_keys_finish(&keys);
    }
}

static const struct {
    const char *pem;
    unsigned algorithms;
} pems[] = {
    {"-----BEGIN PUBLIC KEY-----\n"
     "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3ojliRq18SduhxgnSjFV\n"
     "z7UOZgOg0fu1lx0X9QiUnKbH71xI4fYYlYcuQO16qdlJoY/Sdv1hl7y8R/JcY4Bb\n"
     "ahIZbTkXmkYFROu0SYvHSgf+NqBGfbAv//9HQ96ZR9b+a+GeJEG5lPwNHsuGB5RY\n"
     "Qpa5zM9j5m5ir5v2YTOId/mf8yiZQTol3JQYaQ0abQe9fidHCM2GraUdGk9xs3an\n"
     "MkE0oqFvW3X0qkKNB/zvYEEXyKp9ddotr81CKpiaCXnI7IpGj7Wzcnjet0qqKsW0\n"
     "NTEaaRh21FZWrP2Mm0sLE8VYTZPGjYKygZ9evvrH9aK6wWl9rDeIT5ENwZ3ftPxB\n"
     "4QIDAQAB\n"
     "-----END PUBLIC KEY-----\n",
     RSAS},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZjV+dqS+SjTRg8h1+8j4ax9ozeyF\n"
     "5j6+RYdBpi3AIB0TIFoinmci2pTKvGR3Rlch6jUbZFfFipMA+Ec5hnd+pw==\n"
     "-----END PUBLIC KEY-----\n",
     1u << JWT_ES256},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEhYCGC3jibGn6DozEZBovJnfYddEbpnlx\n"
     "NfDtlzniJXZ+cExUCXtekS2tdp/WpMRS2usqy/v/BK+IqhDD3G1Gitkq8/OUB+pe\n"
     "Dc+JX6f8TXWO37NlrFSO6MhUETliWyu8\n"
     "-----END PUBLIC KEY-----\n",
     1u << JWT_ES384},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBFP3Z+S4shl3KwBK59Ox0cfPB30Rg\n"
     "D5VxMPlvpGXXqEQboveRbQAduwTAuodOMWLQCZgLL7Vg3HTKNMvdXSMC4lQB+K1u\n"
     "BVooTt+zdw03IIEe/2jLl/PBDe33Dje9RTAQbrW495BEnqXGXWGvvqv8mv+q1ND4\n"
     "LUKr2aRtaFHPfnErAJY=\n"
     "-----END PUBLIC KEY-----\n",
     1u << JWT_ES512},
    {"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
     "-----END PUBLIC KEY-----\n",
     0},
    {"", 0},
    {"ssssssssssssssssssssssssssssssssssssssss", 0},
    {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0},
};

static void pem_keys_are_for_the_algorithms_of_their_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(pems); i++) {
        struct jwt_keys keys;
        jwt_keys_init(&keys);
        const char *wrong = jwt_keys_add_pem(&keys, str_of(pems[i].pem), JWT_ALL_ALGORITHMS);
        assert_int_equal(wrong == NULL, pems[i].algorithms != 0);
        assert_int_equal(jwt_keys_algorithms(&keys), pems[i].algorithms);
        jwt_keys_finish(&keys);
    }
}

static void a_secret_must_be_as_long_as_its_hash(void **state)
{
    (void)state;
    char secret[65];
    memset(secret, 's', sizeof secret);
    for (unsigned i = JWT_HS256; i <= JWT_HS512; i++) {
        size_t least = jwt_secret_bytes_min((enum jwt_algorithm)i);
        for (size_t len = least - 1; len <= least + 1; len++) {
            struct jwt_keys keys;
            jwt_keys_init(&keys);
            const char *wrong = jwt_keys_add_secret(&keys, (struct str){NULL, 0},
                                                    (struct str){secret, len}, 1u << i);
            assert_int_equal(wrong == NULL, len >= least);
            assert_int_equal(keys.count, len >= least);
            jwt_keys_finish(&keys);
        }
    }
    assert_int_equal(jwt_secret_bytes_min(JWT_RS256), 0);
}

static void a_set_holds_64_keys(void **state)
{
    (void)state;
    struct jwt_keys keys;
    jwt_keys_init(&keys);
    const struct str secret = STR("ssssssssssssssssssssssssssssssss");
    for (size_t i = 0; i < JWT_KEYS_MAX; i++) {
        assert_null(jwt_keys_add_secret(&keys, (struct str){NULL, 0}, secret, 1u << JWT_HS256));
    }
    assert_non_null(jwt_keys_add_secret(&keys, (struct str){NULL, 0}, secret, 1u << JWT_HS256));
    assert_int_equal(keys.count, JWT_KEYS_MAX);
    jwt_keys_finish(&keys);
}

static void a_key_id_has_at_most_256_bytes(void **state)
{
    (void)state;
    char id[JWT_KEY_ID_BYTES_MAX + 1];
    const struct str secret = STR("ssssssssssssssssssssssssssssssss");
    struct jwt_keys keys;
    memset(id, 'k', sizeof id);
    jwt_keys_init(&keys);
    assert_non_null(
        jwt_keys_add_secret(&keys, (struct str){id, sizeof id}, secret, 1u << JWT_HS256));
    assert_null(
        jwt_keys_add_secret(&keys, (struct str){id, sizeof id - 1}, secret, 1u << JWT_HS256));
    jwt_keys_finish(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_taken_whole_or_refused),
        cmocka_unit_test(pem_keys_are_for_the_algorithms_of_their_type),
        cmocka_unit_test(a_secret_must_be_as_long_as_its_hash),
        cmocka_unit_test(a_set_holds_64_keys),
        cmocka_unit_test(a_key_id_has_at_most_256_bytes),
    };
    return cmocka_run_group_tests_name("jwks", tests, NULL, NULL);
}
