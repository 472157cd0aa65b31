/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/crs.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEGREE "ANGLEUNIT[\"degree\",0.0174532925199433]"
#define METRE  "LENGTHUNIT[\"metre\",1]"

/* EPSG numbers of a datum: in degrees, and of zone z of UTM, north and south: base + z. */
static const struct datum {
    const char *name, *long_name, *ellipsoid;
    double semi_major_axis, inverse_flattening;
    int64_t geographic, north, south;
    int first, last; /* zones */
} datums[] = {
    {"WGS 84", "World Geodetic System 1984", "WGS 84", 6378137, 298.257223563, 4326, 32600, 32700,
     1, 60},
    {"ETRS89", "European Terrestrial Reference System 1989", "GRS 1980", 6378137, 298.257222101,
     4258, 25800, 0, 28, 38},
    {"NAD83", "North American Datum 1983", "GRS 1980", 6378137, 298.257222101, 4269, 26900, 0, 1,
     23},
};

struct known {
    const struct datum *datum;
    int zone; /* 0: in degrees */
    bool is_south;
};

static bool find(int64_t epsg, struct known *ret)
{
    for (size_t i = 0; i < sizeof datums / sizeof *datums; i++) {
        const struct datum *d = &datums[i];
        int64_t north = epsg - d->north, south = epsg - d->south;
        bool is_south = d->south && south >= d->first && south <= d->last;
        bool is_north = north >= d->first && north <= d->last;
        *ret = (struct known){d, (int)(is_south ? south : is_north ? north : 0), is_south};
        if (epsg == d->geographic || is_south || is_north)
            return true;
    }
    return false;
}

static double meridian(const struct known *k)
{
    return 6.0 * k->zone - 183;
}

/* ---- WKT 2 ---- */

static char *wkt_of_datum(const struct datum *d)
{
    return mem_printf("\"%s\",DATUM[\"%s\",ELLIPSOID[\"%s\",%.0f,%.9f," METRE "]],"
                      "PRIMEM[\"Greenwich\",0," DEGREE "]",
                      d->name, d->long_name, d->ellipsoid, d->semi_major_axis,
                      d->inverse_flattening);
}

static char *wkt_in_degrees(const char *datum, int64_t epsg)
{
    return mem_printf("GEOGCRS[%s,CS[ellipsoidal,2],AXIS[\"geodetic latitude (Lat)\",north,"
                      "ORDER[1]," DEGREE "],AXIS[\"geodetic longitude (Lon)\",east,ORDER[2]," DEGREE
                      "],ID[\"EPSG\",%lld]]",
                      datum, (long long)epsg);
}

static char *wkt_of_zone(const char *datum, const struct known *k, int64_t epsg)
{
    char zone[32];
    snprintf(zone, sizeof zone, "UTM zone %d%c", k->zone, k->is_south ? 'S' : 'N');
    return mem_printf("PROJCRS[\"%s / %s\",BASEGEOGCRS[%s],CONVERSION[\"%s\","
                      "METHOD[\"Transverse Mercator\",ID[\"EPSG\",9807]],"
                      "PARAMETER[\"Latitude of natural origin\",0," DEGREE ",ID[\"EPSG\",8801]],"
                      "PARAMETER[\"Longitude of natural origin\",%.0f," DEGREE
                      ",ID[\"EPSG\",8802]],"
                      "PARAMETER[\"Scale factor at natural origin\",0.9996,SCALEUNIT[\"unity\",1],"
                      "ID[\"EPSG\",8805]],"
                      "PARAMETER[\"False easting\",500000," METRE ",ID[\"EPSG\",8806]],"
                      "PARAMETER[\"False northing\",%d," METRE ",ID[\"EPSG\",8807]]],"
                      "CS[Cartesian,2],AXIS[\"(E)\",east,ORDER[1]," METRE
                      "],AXIS[\"(N)\",north,ORDER[2]," METRE "],ID[\"EPSG\",%lld]]",
                      k->datum->name, zone, datum, zone, meridian(k), k->is_south ? 10000000 : 0,
                      (long long)epsg);
}

/* NULL: it is not known here. */
static char *wkt_of(const struct job_crs *crs)
{
    struct known k;
    if (crs->wkt)
        return mem_strdup(crs->wkt);
    if (!find(crs->epsg, &k))
        return NULL;
    char *datum = wkt_of_datum(k.datum);
    char *wkt = k.zone ? wkt_of_zone(datum, &k, crs->epsg) : wkt_in_degrees(datum, crs->epsg);
    free(datum);
    return wkt;
}

/* ---- attributes ---- */

static void set(json_t *attrs, const char *name, double value)
{
    json_object_set_new(attrs, name, json_real(value));
}

/* CF 1.11, appendix F. */
static void add_parameters(const struct known *k, json_t *attrs)
{
    json_object_set_new(attrs, "geographic_crs_name", json_string(k->datum->name));
    json_object_set_new(attrs, "horizontal_datum_name", json_string(k->datum->long_name));
    json_object_set_new(attrs, "reference_ellipsoid_name", json_string(k->datum->ellipsoid));
    set(attrs, "semi_major_axis", k->datum->semi_major_axis);
    set(attrs, "inverse_flattening", k->datum->inverse_flattening);
    set(attrs, "longitude_of_prime_meridian", 0);
    if (k->zone == 0)
        return;
    json_object_set_new(attrs, "grid_mapping_name", json_string("transverse_mercator"));
    set(attrs, "latitude_of_projection_origin", 0);
    set(attrs, "longitude_of_central_meridian", meridian(k));
    set(attrs, "scale_factor_at_central_meridian", 0.9996);
    set(attrs, "false_easting", 500000);
    set(attrs, "false_northing", k->is_south ? 10000000 : 0);
}

bool crs_is_geographic(const struct job_crs *crs)
{
    struct known k;
    return crs->wkt ? !strncmp(crs->wkt, "GEO", 3) : find(crs->epsg, &k) && k.zone == 0;
}

json_t *crs_attributes(const struct job_crs *crs)
{
    json_t *attrs = json_object();
    char *wkt = wkt_of(crs), number[32];
    struct known k;
    snprintf(number, sizeof number, "EPSG:%lld", (long long)crs->epsg);
    json_object_set_new(attrs, "spatial_ref", json_string(wkt ? wkt : number));
    if (wkt)
        json_object_set_new(attrs, "crs_wkt", json_string(wkt));
    if (crs_is_geographic(crs))
        json_object_set_new(attrs, "grid_mapping_name", json_string("latitude_longitude"));
    if (!crs->wkt && find(crs->epsg, &k))
        add_parameters(&k, attrs);
    free(wkt);
    return attrs;
}

json_t *crs_gdal(const struct job_crs *crs)
{
    char url[64];
    json_t *own = json_object();
    snprintf(url, sizeof url, "http://www.opengis.net/def/crs/EPSG/0/%lld", (long long)crs->epsg);
    if (crs->wkt)
        json_object_set_new(own, "wkt", json_string(crs->wkt));
    else
        json_object_set_new(own, "url", json_string(url));
    return own;
}
