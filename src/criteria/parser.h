/*
 * parser.h: the state of reading one text, for lexer.c, expect.c, names.c, check.c, literal.c, quantified.c, method.c
 * and parser.c. What literal.c, quantified.c and method.c read inside of brackets, they read by the two functions of
 * the parser: no file calls one that stands above it.
 *
 * Invariant: a function that returns a term returns NULL when an error is recorded; NULL as an argument is passed on.
 */
#ifndef MOONROW_CRITERIA_PARSER_H
#define MOONROW_CRITERIA_PARSER_H

#include "tree.h"

typedef enum mr_token {
    MR_TOKEN_END,
    MR_TOKEN_NAME,
    MR_TOKEN_PARAMETER, /* $name */
    MR_TOKEN_STRING,
    MR_TOKEN_NUMBER,
    MR_TOKEN_AND,
    MR_TOKEN_OR,
    MR_TOKEN_NOT,
    MR_TOKEN_NIL,
    MR_TOKEN_TRUE,
    MR_TOKEN_FALSE,
    MR_TOKEN_IN,
    MR_TOKEN_EQ,
    MR_TOKEN_NE,
    MR_TOKEN_LT,
    MR_TOKEN_LE,
    MR_TOKEN_GT,
    MR_TOKEN_GE,
    MR_TOKEN_ADD,
    MR_TOKEN_SUB,
    MR_TOKEN_MUL,
    MR_TOKEN_DIV,
    MR_TOKEN_FLOOR_DIV,
    MR_TOKEN_MOD,
    MR_TOKEN_CONCAT,
    MR_TOKEN_LENGTH,
    MR_TOKEN_OPEN,
    MR_TOKEN_CLOSE,
    MR_TOKEN_OPEN_LIST,
    MR_TOKEN_CLOSE_LIST,
    MR_TOKEN_COMMA,
    MR_TOKEN_DOT,
    MR_TOKEN_COLON,
    MR_TOKEN_FOREIGN /* not of this grammar: the lexer knows what is written instead */
} mr_token;

typedef struct mr_lexeme {
    mr_token token;
    uint32_t at, until;
    mr_value value;   /* STRING, NUMBER */
    const char *name; /* NAME, PARAMETER: interned; FOREIGN: the cure */
} mr_lexeme;

typedef struct mr_parser mr_parser;
struct mr_parser {
    mr_env *env;
    mr_criteria *made;
    const mr_criteria_limits *limits;
    mr_scope *scope; /* the innermost one */
    uint32_t pos;
    mr_lexeme now;  /* the lexeme that is read next */
    unsigned depth; /* of the parser's own recursion */
    unsigned parts, most;
    mr_term *(*condition)(mr_parser *p); /* reads a whole: a or b, which may be a single value */
    mr_term *(*operand)(mr_parser *p);   /* reads one operand: -x */
};

/* lexer.c */
/* Reads the next lexeme of the scope's text into p->now. */
mr_status mr_lex(mr_parser *p);

/* expect.c */
/* NULL with an error recorded about the lexeme. */
mr_term *mr_parse_refuse(mr_parser *p, const mr_lexeme *x, const char *words);
/* The same: what is read next cannot stand here. */
mr_term *mr_parse_unexpected(mr_parser *p, const char *wanted);
/* Reads over the token; false: another one is there. */
bool mr_parse_expect(mr_parser *p, mr_token token, const char *wanted);
/* Begins one level of recursion; false: it is too deep. */
bool mr_parse_enter(mr_parser *p);
/* Ends it. Returns t. */
mr_term *mr_parse_leave(mr_parser *p, mr_term *t);

/* names.c */
/* The attribute that the dotted names lead to: a COLUMN, DESCRIBED, REFERENCE or LIST_NAME. */
mr_term *mr_names_resolve(mr_parser *p, const mr_lexeme *names, unsigned n);

/* literal.c */
/* The lexeme as a CONSTANT, and reads over it. */
mr_term *mr_parse_constant(mr_parser *p, const mr_lexeme *x, mr_value v, mr_criteria_group group);
/* $name */
mr_term *mr_parse_parameter(mr_parser *p);
/* { 1, 2, 3 } */
mr_term *mr_parse_list(mr_parser *p);

/* quantified.c */
/* any(posts, "score > 3"), at the '('. */
mr_term *mr_parse_quantified(mr_parser *p, const mr_lexeme *name);
/* Is it the name of one of these functions? */
bool mr_parse_asks_list(const char *name);

/* method.c */
/* Is it the name of a method? */
bool mr_parse_is_method(const char *name);
/* x:name(...), behind the ':'. */
mr_term *mr_parse_method(mr_parser *p, mr_term *x);
/* LOWER, UPPER or LENGTH of x. what: as mr_check_text's. */
mr_term *mr_parse_function(mr_parser *p, mr_term_kind kind, uint32_t at, uint32_t until, mr_term *x, const char *what);

/* equals.c */
/* Fills c->equals. */
mr_status mr_parse_equals(mr_criteria *c);

/* nesting.c */
/* ArgumentError: the SQL of the text nests deeper than SQLite reads. */
mr_status mr_parse_nesting(const mr_criteria *c);

/* check.c */
mr_term *mr_term_new(mr_parser *p, mr_term_kind kind, uint32_t at, uint32_t until, mr_term *const *children,
                     uint32_t n);
/* The term as a condition: what is none, and cannot be one, is refused. */
mr_term *mr_check_condition(mr_parser *p, mr_term *t);
mr_term *mr_check_compare(mr_parser *p, mr_op op, bool sql, mr_term *left, mr_term *right);
mr_term *mr_check_arithmetic(mr_parser *p, mr_op op, bool floors, mr_term *left, mr_term *right);
mr_term *mr_check_negative(mr_parser *p, uint32_t at, mr_term *x);
/* The term as a text: for .. # and the methods of strings. what: "..", "#", ":like". */
mr_term *mr_check_text(mr_parser *p, const char *what, mr_term *x);
/* sql: by a method, which objects do not have. */
mr_term *mr_check_in(mr_parser *p, mr_op op, bool sql, mr_term *x, mr_term *list);
mr_term *mr_check_between(mr_parser *p, mr_term *x, mr_term *low, mr_term *high);
/* NULL with an error recorded, about the term. */
mr_term *mr_refuse_term(mr_parser *p, const mr_term *t, const char *fmt, ...) MR_PRINTF(3, 4);

#endif
