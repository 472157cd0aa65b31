/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/glyph.h"

#include <string.h>

/* From ' ' to '~'. */
static const char *const strokes[] = {
    "",                                 /*   */
    "0008 0b0c",                        /* ! */
    "0003 3033",                        /* " */
    "302c 605c 0484 0888",              /* # */
    "82602002042666888a6c2c0a 404c",    /* $ */
    "800c 0020220200 6a8a8c6c6a",       /* % */
    "8c242230506263181a3c5c88",         /* & */
    "0003",                             /* ' */
    "2003092c",                         /* ( */
    "0023290c",                         /* ) */
    "3137 0266 6206",                   /* * */
    "434b 0787",                        /* + */
    "1b1c0e",                           /* , */
    "0757",                             /* - */
    "0b0c",                             /* . */
    "600c",                             /* / */
    "2050727a5c2c0a0220",               /* 0 */
    "12404c",                           /* 1 */
    "02205072740c7c",                   /* 2 */
    "01205072745626 56787a5c2c0b",      /* 3 */
    "5c500878",                         /* 4 */
    "7010062555777a5c2c0b",             /* 5 */
    "715020020a2c5c7a77552507",         /* 6 */
    "00702c",                           /* 7 */
    "260402205072745626080a2c5c7a7856", /* 8 */
    "0b2c5c7a7250200205275775",         /* 9 */
    "0506 0b0c",                        /* : */
    "1516 1b1c0e",                      /* ; */
    "83078b",                           /* < */
    "0585 0989",                        /* = */
    "03870b",                           /* > */
    "02205072744648 4b4c",              /* ? */
    "8a6c2c0a022060828868644435374868", /* @ */
    "0c408c 2868",                      /* A */
    "0c00507274560656888a6c0c",         /* B */
    "826020020a2c6c8a",                 /* C */
    "000c5c89835000",                   /* D */
    "70000c7c 0656",                    /* E */
    "70000c 0656",                      /* F */
    "826020020a2c6c8a8757",             /* G */
    "000c 808c 0686",                   /* H */
    "000c",                             /* I */
    "505a3c2c0a",                       /* J */
    "000c 8007 358c",                   /* K */
    "000c7c",                           /* L */
    "0c0048808c",                       /* M */
    "0c008c80",                         /* N */
    "2060828a6c2c0a0220",               /* O */
    "0c006082856707",                   /* P */
    "2060828a6c2c0a0220 598d",          /* Q */
    "0c006082856707 478c",              /* R */
    "82602002042666888a6c2c0a",         /* S */
    "0080 404c",                        /* T */
    "000a2c6c8a80",                     /* U */
    "004c80",                           /* V */
    "002c538ca0",                       /* W */
    "008c 800c",                        /* X */
    "004680 464c",                      /* Y */
    "00800c8c",                         /* Z */
    "30000c3c",                         /* [ */
    "006c",                             /* \ */
    "00303c0c",                         /* ] */
    "043064",                           /* ^ */
    "0d8d",                             /* _ */
    "0022",                             /* ` */
    "747c 765424060a2c5c7a",            /* a */
    "000c 062454767a5c2c0a",            /* b */
    "765424060a2c5c7a",                 /* c */
    "707c 765424060a2c5c7a",            /* d */
    "0878765424060a2c5c7b",             /* e */
    "5040222c 0454",                    /* f */
    "747e5g2g0f 765424060a2c5c7a",      /* g */
    "000c 062454767c",                  /* h */
    "040c 0001",                        /* i */
    "242e1g0g 2021",                    /* j */
    "000c 6409 276c",                   /* k */
    "000c",                             /* l */
    "040c 062434565c 567484a6ac",       /* m */
    "040c 062454767c",                  /* n */
    "2454767a5c2c0a0624",               /* o */
    "040g 062454767a5c2c0a",            /* p */
    "747g 765424060a2c5c7a",            /* q */
    "040c 072454",                      /* r */
    "65541405071858696b5c1c0b",         /* s */
    "202a4c5c 0454",                    /* t */
    "040a2c5c7a 747c",                  /* u */
    "043c64",                           /* v */
    "042c568ca4",                       /* w */
    "046c 640c",                        /* x */
    "043c 642f0g",                      /* y */
    "04640c6c",                         /* z */
    "30212506272b3c",                   /* { */
    "000e",                             /* | */
    "00111536171b0c",                   /* } */
    "08265876",                         /* ~ */
};

static const struct {
    const char *text, *strokes;
} signs[] = {
    {"\u00b2", "01103041420646"},
    {"\u00b3", "0040224445361605"},
    {"\u00b0", "103041433414030110"},
    {"\u00b5", "040g 040a2c5c7a 747c"},
    {"\u03bc", "040g 040a2c5c7a 747c"},
    {"\u00b7", "0708"},
    {"\u2013", "0787"},
    {"\u2212", "0787"},
    {"\u00b9", "021014 16"},
    {"\u00d7", "158b 851b"},
    {"\u207b", "0353"},
};

int glyph_coordinate(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static int width_of(const char *s)
{
    int width = 0;
    for (; *s; s += *s == ' ' ? 1 : 2)
        if (*s != ' ' && glyph_coordinate(*s) > width)
            width = glyph_coordinate(*s);
    return width;
}

static const char *find_sign(const char **text)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i].text);
        if (!strncmp(*text, signs[i].text, n)) {
            *text += n;
            return signs[i].strokes;
        }
    }
    (*text)++;
    while (((unsigned char)**text & 0xc0) == 0x80)
        (*text)++;
    return strokes['?' - ' '];
}

const char *glyph_next(const char **text, int *ret_width)
{
    unsigned char c = (unsigned char)**text;
    const char *s;
    if (c >= ' ' && c <= '~') {
        (*text)++;
        s = strokes[c - ' '];
    } else {
        s = find_sign(text);
    }
    /* Digits are equally wide, so that columns of numbers stand still. */
    *ret_width = c == ' ' ? 4 : c >= '0' && c <= '9' ? 7 : width_of(s);
    return s;
}
