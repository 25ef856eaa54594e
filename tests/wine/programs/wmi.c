/*
 * Copyright (c) 2026, the entra.app_proxy authors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#define INITGUID
#include "door.h"

#include <oleauto.h>
#include <stdlib.h>
#include <wbemcli.h>

void wmi_begin(void)
{
    CoInitializeEx(NULL, COINIT_MULTITHREADED);
    CoInitializeSecurity(NULL, -1, NULL, NULL, RPC_C_AUTHN_LEVEL_DEFAULT, RPC_C_IMP_LEVEL_IMPERSONATE, NULL, EOAC_NONE, NULL);
}

static HRESULT connect_to(const WCHAR *name_space, IWbemServices **services)
{
    IWbemLocator *locator;
    BSTR resource = SysAllocString(name_space);
    HRESULT hr;

    hr = CoCreateInstance(&CLSID_WbemLocator, NULL, CLSCTX_INPROC_SERVER, &IID_IWbemLocator, (void **)&locator);
    if (FAILED(hr))
        return hr;
    hr = IWbemLocator_ConnectServer(locator, resource, NULL, NULL, NULL, 0, NULL, NULL, services);
    IWbemLocator_Release(locator);
    SysFreeString(resource);
    return hr;
}

static void show_scalar(VARIANT *value)
{
    VARIANT text;

    VariantInit(&text);
    if (V_VT(value) == VT_BSTR)
        json_text(V_BSTR(value) ? V_BSTR(value) : L"");
    else if (V_VT(value) == VT_BOOL)
        json_raw(V_BOOL(value) ? "true" : "false");
    else if (SUCCEEDED(VariantChangeType(&text, value, 0, VT_BSTR)))
        json_text(V_BSTR(&text));
    else
        json_raw("null");
    VariantClear(&text);
}

static void show_array(VARIANT *value)
{
    SAFEARRAY *array = V_ARRAY(value);
    VARTYPE type = V_VT(value) & VT_TYPEMASK;
    LONG index, low, high;

    SafeArrayGetLBound(array, 1, &low);
    SafeArrayGetUBound(array, 1, &high);
    json_raw("[");
    for (index = low; index <= high; index++) {
        VARIANT item;

        VariantInit(&item);
        V_VT(&item) = type;
        SafeArrayGetElement(array, &index, &V_UI8(&item));
        if (index > low)
            json_raw(", ");
        show_scalar(&item);
        VariantClear(&item);
    }
    json_raw("]");
}

/* {"NAME": [CIM type, value], ...} */
static void show_object(IWbemClassObject *object)
{
    const char *separator = "{";
    VARIANT value;
    CIMTYPE type;
    BSTR name;

    IWbemClassObject_BeginEnumeration(object, WBEM_FLAG_NONSYSTEM_ONLY);
    while (IWbemClassObject_Next(object, 0, &name, &value, &type, NULL) == S_OK) {
        json_raw(separator);
        separator = ", ";
        json_text(name);
        json_raw(": [");
        json_number(type);
        json_raw(", ");
        if (V_VT(&value) == VT_NULL || V_VT(&value) == VT_EMPTY)
            json_raw("null");
        else if (V_VT(&value) & VT_ARRAY)
            show_array(&value);
        else
            show_scalar(&value);
        json_raw("]");
        VariantClear(&value);
        SysFreeString(name);
    }
    json_raw(*separator == '{' ? "{}" : "}");
}

void wmi_query(WCHAR **parameters, int count)
{
    IEnumWbemClassObject *rows;
    IWbemClassObject *row;
    IWbemServices *services;
    const char *separator = "";
    ULONG got;
    HRESULT hr = connect_to(parameters[0], &services);

    (void)count;
    if (SUCCEEDED(hr))
        hr = IWbemServices_ExecQuery(services, SysAllocString(L"WQL"), SysAllocString(parameters[1]),
                                     WBEM_FLAG_RETURN_IMMEDIATELY | WBEM_FLAG_FORWARD_ONLY, NULL, &rows);
    if (FAILED(hr)) {
        json_error("query", hr);
        return;
    }
    json_raw("[");
    while (IEnumWbemClassObject_Next(rows, WBEM_INFINITE, 1, &row, &got) == S_OK && got) {
        json_raw(separator);
        separator = ", ";
        show_object(row);
        IWbemClassObject_Release(row);
    }
    json_raw("]");
}

/* The method's own signature says what type an argument has. */
static HRESULT put_argument(IWbemClassObject *arguments, WCHAR *argument)
{
    WCHAR *value = wcschr(argument, '=');
    VARIANT variant;
    CIMTYPE type;
    HRESULT hr;

    if (!value)
        return E_INVALIDARG;
    *value++ = 0;
    hr = IWbemClassObject_Get(arguments, argument, 0, NULL, &type, NULL);
    if (FAILED(hr))
        return hr;
    if (type == CIM_UINT32 || type == CIM_SINT32) {
        V_VT(&variant) = VT_I4;
        V_I4(&variant) = (LONG)wcstoul(value, NULL, 0);
    } else {
        V_VT(&variant) = VT_BSTR;
        V_BSTR(&variant) = SysAllocString(value);
    }
    hr = IWbemClassObject_Put(arguments, argument, 0, &variant, 0);
    VariantClear(&variant);
    return hr;
}

static HRESULT arguments_of(IWbemServices *services, WCHAR **parameters, int count, IWbemClassObject **arguments)
{
    IWbemClassObject *class, *signature = NULL;
    BSTR name = SysAllocString(parameters[1]);
    WCHAR *keys = wcschr(name, '.');
    HRESULT hr;
    int i;

    if (keys)
        *keys = 0;
    hr = IWbemServices_GetObject(services, name, 0, NULL, &class, NULL);
    if (SUCCEEDED(hr))
        hr = IWbemClassObject_GetMethod(class, parameters[2], 0, &signature, NULL);
    if (SUCCEEDED(hr) && signature)
        hr = IWbemClassObject_SpawnInstance(signature, 0, arguments);
    for (i = 3; SUCCEEDED(hr) && i < count; i++)
        hr = *arguments ? put_argument(*arguments, parameters[i]) : E_INVALIDARG;
    return hr;
}

void wmi_call(WCHAR **parameters, int count)
{
    IWbemClassObject *arguments = NULL, *results = NULL;
    IWbemServices *services;
    HRESULT hr = connect_to(parameters[0], &services);

    if (SUCCEEDED(hr))
        hr = arguments_of(services, parameters, count, &arguments);
    if (SUCCEEDED(hr))
        hr = IWbemServices_ExecMethod(services, SysAllocString(parameters[1]), SysAllocString(parameters[2]), 0, NULL, arguments,
                                      &results, NULL);
    if (FAILED(hr)) {
        json_error("call", hr);
        return;
    }
    if (results)
        show_object(results);
    else
        json_raw("{}");
}
